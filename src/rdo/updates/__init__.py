"""Updates: files in git that hand builds over to be tested, and then to users."""
