"""What an operator sets up: configuration, database, platforms, mail, services."""
