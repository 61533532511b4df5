"""Whether repositories can be trusted: their checks."""
