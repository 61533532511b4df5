"""Notifications: the events, their recipients, and how each message is sent."""
