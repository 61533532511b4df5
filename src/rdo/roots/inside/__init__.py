"""The programs that run inside a root."""
