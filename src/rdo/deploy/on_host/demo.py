"""Flavors, an image and networks for a new cloud, made by openstacksdk in one process."""

import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rdo.deploy.on_host.acts import HostFault, Unsure, Wanted
from rdo.deploy.on_host.reach import must_answer

_GUEST = Path("/usr/share/rdo-guest-image/guest.img")
_DOWNLOAD_SECONDS = 300
_ANSWER_SECONDS = 30


def look_demo(wanted: Wanted) -> "list[str]":
    """Return what the cloud lacks."""
    try:
        import openstack  # noqa: F401 - whether the host has it yet
    except ImportError:
        names = (*wanted["flavors"], *wanted["images"], *wanted["networks"])
        return [f"{one['name']}: new" for one in names]
    return [what for what, _ in _differences(connect(wanted), wanted)]


def make_demo(wanted: Wanted) -> None:
    """Make what the cloud lacks, each thing after those that it requires."""
    for _what, make in _differences(connect(wanted), wanted):
        make()


def connect(wanted: Wanted) -> Any:
    """Return a connection to the cloud as its administrator."""
    import openstack

    return openstack.connect(
        auth_url=f"{wanted['auth_url']}/v3",
        username=wanted["admin"],
        password=wanted["admin_password"],
        project_name=wanted["admin_project"],
        user_domain_name="Default",
        project_domain_name="Default",
        region_name=wanted["region"],
        api_timeout=_ANSWER_SECONDS,
    )


def _differences(cloud: Any, wanted: Wanted) -> "Iterator[tuple[str, Callable[[], object]]]":
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException

    kinds = (("compute", "flavors"), ("image", "images"), ("network", "networks"))
    must_answer(f"{wanted['auth_url']}/v3", "keystone")
    try:
        for kind in (kind for kind, rows in kinds if wanted[rows]):
            where = cloud.session.get_endpoint(
                service_type=kind, interface="public", region_name=wanted["region"]
            )
            must_answer(where or "", f"the {kind} service at {where}")
        yield from _flavors(cloud, wanted)
        yield from _images(cloud, wanted)
        yield from _networks(cloud, wanted)
    except (SDKException, ClientException) as error:
        raise Unsure(f"the cloud answers ({error})") from None


def _flavors(cloud: Any, wanted: Wanted) -> "Iterator[tuple[str, Callable[[], object]]]":
    here = {one.name for one in cloud.compute.flavors()} if wanted["flavors"] else set()
    for row in wanted["flavors"]:
        if row["name"] not in here:
            yield f"flavor {row['name']}: new", partial(cloud.compute.create_flavor, **row)


def _images(cloud: Any, wanted: Wanted) -> "Iterator[tuple[str, Callable[[], object]]]":
    for row in wanted["images"]:
        if not [one for one in cloud.image.images(name=row["name"]) if one.status == "active"]:
            yield f"image {row['name']}: new", partial(_upload, cloud, row)


def _upload(cloud: Any, row: "dict[str, str]") -> None:
    """Upload an image to glance: our own guest if the host has it, else the file at the URL."""
    properties = dict(pair.partition("=")[::2] for pair in row["properties"].split(",") if pair)
    is_own = _GUEST.exists() and row["is_default"]
    if is_own or row["url"].startswith("/"):
        data = (_GUEST if is_own else Path(row["url"])).read_bytes()
    else:
        try:
            with urllib.request.urlopen(row["url"], timeout=_DOWNLOAD_SECONDS) as answer:
                data = answer.read()
        except OSError as error:
            raise HostFault(
                f"the image {row['url']} cannot be reached: {error}",
                "set CONFIG_PROVISION_IMAGE_URL to a URL or a file of the controller",
            ) from None
    cloud.image.create_image(
        name=row["name"],
        data=data,
        disk_format="raw" if is_own else row["format"],
        container_format="bare",
        visibility="public",
        validate_checksum=False,
        allow_duplicates=True,
        wait=True,
        **properties,
    )


def _networks(cloud: Any, wanted: Wanted) -> "Iterator[tuple[str, Callable[[], object]]]":
    for row in wanted["networks"]:
        network = cloud.network.find_network(row["name"])
        if network is None:
            yield f"network {row['name']}: new", partial(_network, cloud, row)
            network = cloud.network.find_network(row["name"])
        if network is None or not network.subnet_ids:
            yield f"subnet of {row['name']}: new", partial(_subnet, cloud, row)
    if wanted["router"]:
        router = cloud.network.find_router(wanted["router"])
        if router is None or not router.external_gateway_info:
            yield f"router {wanted['router']}: new", partial(_router, cloud, wanted)


def _project(cloud: Any, name: str) -> str:
    found = cloud.identity.find_project(name)
    if found is None:
        raise Unsure(f"keystone has the project {name}")
    return str(found.id)


def _network(cloud: Any, row: "dict[str, Any]") -> None:
    more = {}
    if row["physical"]:
        more = {
            "provider:network_type": "flat",
            "provider:physical_network": row["physical"],
            "router:external": True,
        }
    project = _project(cloud, row["project"])
    cloud.network.create_network(name=row["name"], project_id=project, **more)


def _subnet(cloud: Any, row: "dict[str, Any]") -> None:
    network = cloud.network.find_network(row["name"])
    cloud.network.create_subnet(
        name=f"{row['name']}_subnet",
        network_id=network.id,
        project_id=network.project_id,
        ip_version=4,
        cidr=row["cidr"],
        enable_dhcp=not row["physical"],
    )


def _router(cloud: Any, wanted: Wanted) -> None:
    outside, inside = (cloud.network.find_network(row["name"]) for row in wanted["networks"])
    gateway = {"network_id": outside.id}
    router = cloud.network.find_router(wanted["router"]) or cloud.network.create_router(
        name=wanted["router"], project_id=inside.project_id, external_gateway_info=gateway
    )
    if not router.external_gateway_info:
        cloud.network.update_router(router, external_gateway_info=gateway)
    ports = cloud.network.ports(device_id=router.id, network_id=inside.id)
    if not list(ports):
        cloud.network.add_interface_to_router(router, subnet_id=inside.subnet_ids[0])
