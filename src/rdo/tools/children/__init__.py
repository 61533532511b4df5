"""Programs of ours that run as processes of their own."""
