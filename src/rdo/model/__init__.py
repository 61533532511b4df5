"""The values that all other parts of rdo share."""
