"""The maintainer's verbs on a distgit, and the build of one spec."""
