"""The factory by HTTP: DLRN's API, our own, and metrics."""
