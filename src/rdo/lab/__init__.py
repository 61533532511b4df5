"""Labs: hosts made of nothing but our RPMs, to try a target on."""
