"""What users get: repositories, names that lead to them, votes and checks."""
