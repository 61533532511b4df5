"""Spec files: read without loss, edited line by line, and checked with rpm after each edit."""
