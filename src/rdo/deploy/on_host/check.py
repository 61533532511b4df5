"""Check that a cloud works; each check reports what it found, and everything is removed again."""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from rdo.deploy.on_host import demo
from rdo.deploy.on_host.acts import Wanted

_NAME = "rdo-verify"
_CIDR = "192.168.199.0/24"
_IMAGE_BYTES = 1 << 20
_REPORT_SECONDS = 120
_SERVER_SECONDS = 300
_CONSOLE_SECONDS = 180


def run_checks(wanted: Wanted) -> "list[dict[str, Any]]":
    """Return each check with its seconds and, if it failed, why; the first failure ends the run."""
    found: list[dict[str, Any]] = []
    with contextlib.ExitStack() as leftovers:
        checks = _Checks(wanted, leftovers)
        for name, check in checks.all():
            began = time.monotonic()
            said, is_good = "", True
            try:
                said = check()
            except Exception as error:  # noqa: BLE001 - whatever a service answers is the finding
                said, is_good = f"{type(error).__name__}: {error}"[:600], False
            seconds = round(time.monotonic() - began, 2)
            found.append({"name": name, "seconds": seconds, "is_good": is_good, "said": said})
            if not is_good:
                break
        began = time.monotonic()
        try:
            leftovers.close()
            said, is_good = "", True
        except Exception as error:  # noqa: BLE001 - as above
            said, is_good = f"{type(error).__name__}: {error}"[:600], False
    seconds = round(time.monotonic() - began, 2)
    return [*found, {"name": "cleaned up", "seconds": seconds, "is_good": is_good, "said": said}]


class _Checks:
    """The checks in order; `leftovers` removes what they make, in reverse order."""

    def __init__(self, wanted: Wanted, leftovers: contextlib.ExitStack) -> None:
        self.wanted = wanted
        self.leftovers = leftovers
        self.cloud: Any = None
        self.network: Any = None
        self.server: Any = None

    def all(self) -> "Iterator[tuple[str, Callable[[], str]]]":
        """Yield the checks for the services that the cloud has."""
        yield "token", self._token
        if self.wanted["has_images"]:
            yield "image", self._image
        if self.wanted["has_networks"]:
            yield "network", self._network
            yield "subnet", self._subnet
        if self.wanted["has_servers"]:
            yield "hypervisor", self._hypervisor
            yield "server", self._server
            yield "console", self._console

    def _token(self) -> str:
        self.cloud = demo.connect(self.wanted)
        self.cloud.authorize()
        self._remove_old()
        return f"as {self.wanted['admin']}"

    def _remove_old(self) -> None:
        """Remove the leftovers of a killed check."""
        for server in self.cloud.compute.servers(name=_NAME) if self.wanted["has_servers"] else ():
            self.cloud.delete_server(server.id, wait=True, timeout=_SERVER_SECONDS)
        for network in (
            self.cloud.network.networks(name=_NAME) if self.wanted["has_networks"] else ()
        ):
            self.cloud.network.delete_network(network)
        for image in self.cloud.image.images(name=_NAME) if self.wanted["has_images"] else ():
            self.cloud.image.delete_image(image)
        for flavor in self.cloud.compute.flavors() if self.wanted["has_servers"] else ():
            if flavor.name == _NAME:
                self.cloud.compute.delete_flavor(flavor)

    def _image(self) -> str:
        sent = hashlib.sha256(_NAME.encode()).digest() * (_IMAGE_BYTES // 32)
        image = self.cloud.image.create_image(
            name=_NAME, data=sent, disk_format="raw", container_format="bare", wait=True
        )
        self.leftovers.callback(self.cloud.image.delete_image, image)
        back = self.cloud.image.download_image(image, stream=False).content
        if back != sent:
            raise ValueError(f"{len(back)} bytes came back that differ from {len(sent)} sent")
        return f"{len(sent)} bytes, sha256 {hashlib.sha256(back).hexdigest()[:16]}"

    def _network(self) -> str:
        self.network = self.cloud.network.create_network(name=_NAME)
        self.leftovers.callback(self.cloud.network.delete_network, self.network)
        return str(self.network.status)

    def _subnet(self) -> str:
        made = self.cloud.network.create_subnet(
            name=_NAME, network_id=self.network.id, ip_version=4, cidr=_CIDR
        )
        return str(made.cidr)

    def _hypervisor(self) -> str:
        """Wait until a compute service reports; nova accepts an old report for a minute."""
        deadline = time.monotonic() + _REPORT_SECONDS
        before = {one.id: one.updated_at for one in self._computes()}
        while time.monotonic() < deadline:
            for one in self._computes():
                if one.state == "up" and one.updated_at != before.get(one.id):
                    return f"{one.host} reports"
            time.sleep(1)
        raise TimeoutError(f"no compute service has reported in {_REPORT_SECONDS} s")

    def _computes(self) -> "list[Any]":
        return list(self.cloud.compute.services(binary="nova-compute"))

    def _server(self) -> str:
        images = list(self.cloud.image.images(name=self.wanted["image"], status="active"))
        if not images:
            raise LookupError(f"there is no image {self.wanted['image']}")
        flavor = self.cloud.compute.create_flavor(name=_NAME, ram=128, vcpus=1, disk=0)
        self.leftovers.callback(self.cloud.compute.delete_flavor, flavor)
        made = self.cloud.compute.create_server(
            name=_NAME,
            image_id=images[0].id,
            flavor_id=flavor.id,
            networks=[{"uuid": self.network.id}],
        )
        self.leftovers.callback(
            self.cloud.delete_server, made.id, wait=True, timeout=_SERVER_SECONDS
        )
        self.server = self.cloud.compute.wait_for_server(made, wait=_SERVER_SECONDS)
        return f"{self.server.status} on {self.server.compute_host}"

    def _console(self) -> str:
        """Wait until the guest has printed something; an address there proves a lease."""
        deadline = time.monotonic() + _CONSOLE_SECONDS
        prefix = _CIDR.rpartition(".")[0] + "."
        said = ""
        while time.monotonic() < deadline:
            answer = self.cloud.compute.get_server_console_output(self.server)
            said = str((answer or {}).get("output") or "")
            if prefix in said:
                return "the guest prints the address that it was given"
            time.sleep(2)
        if said.strip():
            return "the guest prints on its console"
        raise TimeoutError(f"the console is empty after {_CONSOLE_SECONDS} s")
