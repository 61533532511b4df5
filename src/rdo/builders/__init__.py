"""The ways to build: in a root of this machine, in mock, by an operator's command, at a farm."""
