"""Notify people of failures and fixes: describe the events and queue messages."""
