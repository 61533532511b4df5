"""The values that all other rooms share."""
