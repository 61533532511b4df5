"""Signatures: gpg's keys and homes, rpmsign and rpmkeys, and an operator's signing command."""
