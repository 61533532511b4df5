"""Edits of metadata files that keep every other byte, and descriptions of what changed."""
