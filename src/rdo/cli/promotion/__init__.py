"""The commands that check repositories and promote them."""
