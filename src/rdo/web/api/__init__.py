"""Our own API, `/api/v1`: typed, in pages, and described by OpenAPI."""
