"""The text of others, and how it is written for people and programs."""
