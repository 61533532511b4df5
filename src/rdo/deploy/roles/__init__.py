"""The services of a cloud: one module each says what the hosts of its role must have."""
