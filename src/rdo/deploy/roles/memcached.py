"""memcached on the controller, where services store validated tokens."""

from collections.abc import Iterator

from rdo.deploy.cloud import Cloud, Part
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import Service


def parts(_cloud: Cloud) -> Iterator[Part]:
    """Yield memcached as its package configures it: listening on loopback."""
    yield Part(
        "memcached",
        "memcached",
        Duty.CONTROLLER,
        packages=("memcached",),
        wants=(Service("memcached", ports=(11211,)),),
    )
