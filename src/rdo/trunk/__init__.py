"""Rounds: follow the upstreams of a target, build each commit, publish it, report."""
