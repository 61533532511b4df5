"""Work between rounds: checks, removals, steering, reproduction."""
