"""The lookaside cache: the store of a distgit's large source files, and its protocol."""
