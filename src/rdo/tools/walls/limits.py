"""Limits of a program that reads what strangers wrote, as words before its command."""

import resource

from rdo.tools.children.kernel import at_most


def within(*, memory_bytes: int, seconds: int, file_bytes: int) -> tuple[str, ...]:
    """Return the words that start a command within limits; it leaves no core file either.

    A limit of ours that is lower already stays: not even root may raise it everywhere.
    """
    limits = {
        "as": at_most(resource.RLIMIT_AS, memory_bytes),
        "cpu": at_most(resource.RLIMIT_CPU, seconds),
        "fsize": at_most(resource.RLIMIT_FSIZE, file_bytes),
        "core": 0,
        "memlock": 0,
    }
    return ("prlimit", *(f"--{name}={most}" for name, most in limits.items()), "--")
