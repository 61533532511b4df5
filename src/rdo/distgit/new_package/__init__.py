"""Create new packages, and review them."""
