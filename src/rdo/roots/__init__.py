"""Platforms and their base layers, and the roots that builds run in."""
