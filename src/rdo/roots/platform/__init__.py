"""Platforms: their definitions, base layers and macros."""
