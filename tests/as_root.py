"""Run programs that install into a root; an ordinary user is root of a user namespace."""

import os

_NAMESPACE = ("unshare", "--map-root-user", "--map-auto", "--")

AS_ROOT = () if os.geteuid() == 0 else _NAMESPACE
"""What such a command begins with."""
