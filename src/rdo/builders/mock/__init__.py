"""Builds in chroots of mock, the program of rpm-software-management."""
