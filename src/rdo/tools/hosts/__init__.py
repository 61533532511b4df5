"""Hosts: how they are reached, and the process that keeps a lab of them."""
