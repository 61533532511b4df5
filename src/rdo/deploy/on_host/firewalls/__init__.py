"""Firewalls of the host: each kind says what it keeps closed, and opens it for good."""
