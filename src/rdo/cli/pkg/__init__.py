"""The verbs on a distgit: `rdo pkg` and `rdopkg`."""
