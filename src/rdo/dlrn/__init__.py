"""DLRN's numbering, spec changes, folders and file formats, kept exactly."""
