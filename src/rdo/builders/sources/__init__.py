"""The source of a build: the archive of a commit, and the spec for it."""
