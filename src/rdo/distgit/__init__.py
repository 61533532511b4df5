"""The maintainer's verbs on a distgit, and builds of a single spec."""
