"""Tests that boot hosts: minutes, root, and systemd-nspawn."""
