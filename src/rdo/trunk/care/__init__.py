"""What is done between rounds: checks, removals, steering, reproduction."""
