"""Builds in chroots of mock, the build program of Fedora and EPEL."""
