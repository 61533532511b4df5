"""The commands: each parses its arguments, calls one service and prints the result."""
