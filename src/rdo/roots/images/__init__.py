"""Images of hosts, and of guests on them."""
