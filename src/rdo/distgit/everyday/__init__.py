"""The verbs of a day in dist-git, as fedpkg has them, and the sites that they work with."""
