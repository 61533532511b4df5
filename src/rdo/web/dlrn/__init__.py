"""DLRN's REST API: its endpoints, inputs, answers and errors, for its clients."""
