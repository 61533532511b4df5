"""Open reviews: queued, built with what depends on them, and answered."""
