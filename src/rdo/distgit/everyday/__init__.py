"""fedpkg's everyday verbs, and the dist-git sites that they work with."""
