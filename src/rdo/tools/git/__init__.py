"""git: mirrors, clones, work trees, and how a change is proposed."""
