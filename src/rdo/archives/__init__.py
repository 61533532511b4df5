"""Archives from strangers, read as streams and checked against limits before they are trusted."""
