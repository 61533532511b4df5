"""The factory by HTTP: DLRN's API, our own API, metrics and pages."""
