"""Find the cause of a failure in a build log, and the lines that show it."""
