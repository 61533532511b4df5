"""Updates: files in git through which builds are handed over for testing, and then to users."""
