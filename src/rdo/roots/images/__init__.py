"""Images of hosts, and of guests that run on them."""
