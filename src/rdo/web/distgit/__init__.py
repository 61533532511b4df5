"""Distgits by HTTP, in git's smart protocol: everybody may read, maintainers may push."""
