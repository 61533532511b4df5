"""Repositories that can be trusted: how they are found, compared, composed and handed on."""
