"""Tests that take minutes: rdo as RPMs, and hosts that boot."""
