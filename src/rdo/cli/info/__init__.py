"""The commands that show, check and edit the distribution's metadata."""
