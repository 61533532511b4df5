"""Repositories that can be trusted: found, compared, composed and handed on."""
