"""Who may use the API of a factory, and what: users, passwords, tokens, roles, the audit log."""
