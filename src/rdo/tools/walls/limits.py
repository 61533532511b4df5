"""Limits for a program that reads content from strangers, as words before its command."""

import resource

from rdo.tools.children.kernel import at_most


def within(*, memory_bytes: int, seconds: int, file_bytes: int) -> tuple[str, ...]:
    """Return the words that start a command within limits, without core files.

    If our own limit is already lower, it stays: in some places even root may not raise it.
    """
    limits = {
        "as": at_most(resource.RLIMIT_AS, memory_bytes),
        "cpu": at_most(resource.RLIMIT_CPU, seconds),
        "fsize": at_most(resource.RLIMIT_FSIZE, file_bytes),
        "core": 0,
        "memlock": 0,
    }
    return ("prlimit", *(f"--{name}={most}" for name, most in limits.items()), "--")
