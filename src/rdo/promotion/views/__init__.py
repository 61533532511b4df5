"""What pages show of repositories, of names and of the candidates for a promotion."""
