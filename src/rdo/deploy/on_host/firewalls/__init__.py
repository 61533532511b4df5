"""Firewalls of the host: each module lists closed ports, and opens ports permanently."""
