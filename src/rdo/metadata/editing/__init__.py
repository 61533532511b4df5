"""Edits of metadata files that keep every other byte, and what changed by them."""
