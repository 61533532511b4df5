"""A lookaside cache by HTTP, for rpkg, fedpkg, centpkg and `rdo pkg`."""
