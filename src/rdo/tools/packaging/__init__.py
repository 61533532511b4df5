"""Where wheels, sdists and Debian packages come from."""
