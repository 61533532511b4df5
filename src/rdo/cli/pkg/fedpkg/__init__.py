"""The command `fedpkg`: verbs of `rdo pkg` under that name, with its flags and exit codes."""
