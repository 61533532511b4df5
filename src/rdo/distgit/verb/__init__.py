"""Running a verb: its steps, undo, the state file, and whom it may ask."""
