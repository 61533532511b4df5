"""Announcements of other servers by webhooks: pushed repositories are polled at once."""
