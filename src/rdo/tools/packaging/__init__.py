"""The sources of wheels, sdists and Debian packages."""
