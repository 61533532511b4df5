"""Checks of a repository, which return findings; promotion and updates use them."""
