"""Keep a tree intact and small: verify and repair it, sign again, remove what is not needed."""
