"""Bills of materials and provenance of a build, for other programs."""
