"""Compare upstream's requirements with the spec's, and with what repositories offer."""
