"""What the pages of a server show of targets, beyond those of a published tree."""
