"""Run a verb: its steps, undo, the state file, and questions to the user."""
