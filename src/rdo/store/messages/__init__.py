"""What people are notified of: events, and messages that wait to be sent."""
