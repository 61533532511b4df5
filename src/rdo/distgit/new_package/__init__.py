"""Making a package that is not there yet, and reviewing one."""
