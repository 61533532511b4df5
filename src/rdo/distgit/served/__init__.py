"""Distgits served from this machine: who may push to them, and what."""
