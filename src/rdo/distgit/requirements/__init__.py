"""What upstream requires, against what the spec says and repositories offer."""
