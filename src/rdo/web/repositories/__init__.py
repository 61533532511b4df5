"""Repositories that are made on request and are in no published tree."""
