"""Servers on which others develop: what they announce, and their open reviews."""
