"""What people are told: breaks and fixes, described and queued."""
