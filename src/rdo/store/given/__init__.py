"""What users get: repositories, names that point to them, votes and checks."""
