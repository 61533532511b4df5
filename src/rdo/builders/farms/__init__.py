"""Builds that a farm does for us: what a farm is asked, and the life of a build there."""
