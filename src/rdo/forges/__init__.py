"""Servers on which others develop: the events that they announce, and their open reviews."""
