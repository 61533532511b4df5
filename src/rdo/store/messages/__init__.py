"""What people are told: events, and messages that wait to be sent."""
