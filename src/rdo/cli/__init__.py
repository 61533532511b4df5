"""The commands: parse, call one service, print the result."""
