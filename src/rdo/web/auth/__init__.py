"""Who a request is from, and whether it may do what it asks for."""
