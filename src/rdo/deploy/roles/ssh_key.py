"""The public ssh key of the answers, which allows login as root on the hosts."""

from collections.abc import Iterator

from rdo.deploy.cloud import Cloud, Part
from rdo.deploy.wanted import AuthorizedKey


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield the key for each host that is reached by ssh."""
    for host in cloud.by_ssh if cloud.public_key else ():
        yield Part(
            "ssh-key", "SSH key", None, wants=(AuthorizedKey("root", cloud.public_key),), only=host
        )
