"""git: mirrors, clones, work trees, and proposing changes."""
