"""Debian packages as the RPMs of a platform."""
