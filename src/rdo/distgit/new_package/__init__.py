"""Create a new package, and review one."""
