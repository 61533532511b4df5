"""rpm and dnf: specs, packages and yum repositories."""
