"""Access to a factory's API: users, passwords, tokens, roles and the audit log."""
