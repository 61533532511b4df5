"""Distgits that are served from this machine: whose they are, and what may be pushed to them."""
