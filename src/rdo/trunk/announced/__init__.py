"""What other servers announce by webhooks: pushes that are polled at once."""
