"""Distgits by HTTP: git's smart protocol, for everybody to read and for maintainers to push."""
