"""The services of a cloud: each module describes what the hosts of its role must have."""
