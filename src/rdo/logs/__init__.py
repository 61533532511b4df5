"""What the log of a build shows: the lines that matter, and the cause in words."""
