"""The speed that users may expect, measured."""
