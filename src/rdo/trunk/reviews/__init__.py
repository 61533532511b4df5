"""Open reviews: queued, built with their dependents, and answered."""
