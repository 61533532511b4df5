"""The maintainer's verbs on a distgit."""
