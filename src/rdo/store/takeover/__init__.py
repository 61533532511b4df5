"""Take over a running DLRN instance: its database is read, our rows are written."""
