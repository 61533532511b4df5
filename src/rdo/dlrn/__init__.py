"""DLRN's numbering, spec changes, folders and file formats, reproduced exactly."""
