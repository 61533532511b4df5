"""Questions about a repository, each answered by findings: promotion and updates ask them."""
