"""The ways to build: in a root of this machine, or by a command of the operator."""
