"""Repositories that are made when somebody asks for them, and are in no published tree."""
