"""Notifications: what happened, whom it concerns, and how each message is sent."""
