"""Archives that strangers made, read as streams and within bounds before any of it is believed."""
