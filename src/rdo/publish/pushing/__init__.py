"""Repositories of a tree at places outside: what is there, sending what differs, mirror lists."""
