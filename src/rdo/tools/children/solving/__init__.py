"""Programs that answer questions about many RPMs at once, mostly with libsolv."""
