"""Programs that read a source tree, find its requirements, and make sdists and wheels of it."""
