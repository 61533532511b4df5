"""fedpkg's verbs, grouped by what they work on."""
