"""What is built next, what waits for what, and what is tried again."""
