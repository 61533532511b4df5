"""fedpkg's verbs, by what they work on."""
