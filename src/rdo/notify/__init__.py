"""Telling people: what happened, to whom it matters, and by which way it goes out."""
