"""The lookaside cache: where a distgit's large source files are kept, and the protocol to it."""
