"""Parts of a server's pages that a published tree does not have."""
