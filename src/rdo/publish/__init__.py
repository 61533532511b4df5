"""A target's published tree and its rows: publish builds, compose repositories, move names."""
