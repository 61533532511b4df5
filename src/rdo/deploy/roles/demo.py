"""The first content of a new cloud: flavors, an image, an external and an internal network."""

from collections.abc import Iterator

from rdo.deploy.cloud import IDENTITY_PORT, Cloud, Part
from rdo.deploy.hosts import Duty
from rdo.deploy.wanted import Demo

_FLAVORS = (
    ("1", "m1.tiny", 512, 1, 1),
    ("2", "m1.small", 2048, 20, 1),
    ("3", "m1.medium", 4096, 40, 2),
    ("4", "m1.large", 8192, 80, 4),
    ("5", "m1.xlarge", 16384, 160, 8),
)
_URL = "CONFIG_PROVISION_IMAGE_URL"


def parts(cloud: Cloud) -> Iterator[Part]:
    """Yield the flavors that packstack makes, and the demo's image, networks and router."""
    is_wanted = cloud.has("CONFIG_PROVISION_DEMO")
    has_servers = cloud.has("CONFIG_NOVA_INSTALL")
    has_network = is_wanted and cloud.has("CONFIG_NEUTRON_INSTALL")
    flavors = has_servers and cloud.has("CONFIG_NOVA_MANAGE_FLAVORS")
    wants = Demo(
        auth_url=cloud.url(IDENTITY_PORT),
        admin=cloud["CONFIG_KEYSTONE_ADMIN_USERNAME"],
        admin_password=cloud["CONFIG_KEYSTONE_ADMIN_PW"],
        admin_project="admin",
        region=cloud.region,
        flavors=tuple(map(_flavor, _FLAVORS)) if flavors else (),
        images=(_image(cloud),) if is_wanted and cloud.has("CONFIG_GLANCE_INSTALL") else (),
        networks=_networks(cloud) if has_network else (),
        router="router1" if has_network else "",
    )
    if is_wanted or flavors:
        yield Part("demo", "Flavors, image and networks", Duty.CONTROLLER, wants=(wants,))


def _flavor(row: tuple[str, str, int, int, int]) -> dict[str, object]:
    identity, name, ram, disk, vcpus = row
    return {"id": identity, "name": name, "ram": ram, "disk": disk, "vcpus": vcpus}


def _image(cloud: Cloud) -> dict[str, object]:
    key = cloud.answers.by_key[_URL].key
    return {
        "name": cloud["CONFIG_PROVISION_IMAGE_NAME"],
        "url": cloud[_URL],
        "format": cloud["CONFIG_PROVISION_IMAGE_FORMAT"],
        "properties": cloud["CONFIG_PROVISION_IMAGE_PROPERTIES"],
        "is_default": cloud[_URL] == key.default,
    }


def _networks(cloud: Cloud) -> tuple[dict[str, object], ...]:
    outside: dict[str, object] = {
        "name": "public",
        "project": "admin",
        "cidr": cloud["CONFIG_PROVISION_DEMO_FLOATRANGE"],
        "physical": cloud["CONFIG_NEUTRON_OVN_EXTERNAL_PHYSNET"],
    }
    inside: dict[str, object] = {
        "name": "private",
        "project": "demo",
        "cidr": "10.0.0.0/24",
        "physical": "",
    }
    return (outside, inside)
