"""Faults in the metadata: the rules of the format, and what they are told by."""
