"""The commits of the patches branch, and the patch files made from them."""
