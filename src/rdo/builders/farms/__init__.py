"""Builds on a farm: the requests to a farm, and the life of a build there."""
