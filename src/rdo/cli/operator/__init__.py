"""Commands for an operator: configuration, database, platforms, mail, services."""
