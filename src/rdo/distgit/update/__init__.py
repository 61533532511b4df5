"""Update a distgit to a new version: versions, sources, spec, steps."""
