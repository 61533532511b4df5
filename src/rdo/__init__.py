"""Run an RPM distribution of fast-moving upstream projects."""

__version__ = "0.1.0"
