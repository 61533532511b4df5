"""Labs: test hosts made only of our RPMs, to try a target on."""
