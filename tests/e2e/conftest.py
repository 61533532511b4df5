"""Fixtures that several files of end-to-end tests share."""

from tests.e2e.own_index import factory, shared

__all__ = ("factory", "shared")
