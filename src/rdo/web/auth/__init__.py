"""Find out who sent a request, and whether they may do what it asks."""
