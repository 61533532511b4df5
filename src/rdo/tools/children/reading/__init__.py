"""Programs that each read one kind of file from strangers, and answer with its facts."""
