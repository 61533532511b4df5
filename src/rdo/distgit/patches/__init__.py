"""Commits of the patches branch, and the patch files made of them."""
