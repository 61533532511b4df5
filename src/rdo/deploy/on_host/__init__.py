"""The program that looks at a host of a cloud and changes it, in the Python of that host."""
