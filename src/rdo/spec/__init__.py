"""Spec files: read without loss, edited line by line, and checked by rpm after each edit."""
