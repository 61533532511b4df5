"""chrony, with which all hosts follow the time servers in the answers."""

from collections.abc import Iterator

from rdo.deploy.cloud import Cloud, Part
from rdo.deploy.wanted import Service, WantedFile

_SETTINGS = "/etc/chrony/chrony.conf|/etc/chrony.conf"
_CONTENT = """\
# Written by rdo deploy.
{servers}driftfile /var/lib/chrony/drift
makestep 1.0 3
rtcsync
logdir /var/log/chrony
"""


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield what every host needs, unless the answers leave its clock alone."""
    if not cloud.time_servers:
        return
    servers = "".join(f"server {one} iburst\n" for one in cloud.time_servers)
    yield Part(
        "chrony",
        "Time synchronization",
        None,
        packages=("chrony",),
        wants=(
            WantedFile(_SETTINGS, _CONTENT.format(servers=servers)),
            Service("chronyd", watches=(_SETTINGS,), optional=True),
        ),
    )
