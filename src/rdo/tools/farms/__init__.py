"""Clients of build farms; their libraries are optional extras."""
