"""Faults in the metadata: the rules of the format, and reports about faults."""
