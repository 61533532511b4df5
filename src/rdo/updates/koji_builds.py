"""The builds of a Koji, looked up at its hub; RPMs are downloaded and compared with its data."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.tools.farms.koji_hub import HubLogin, KojiHub, ident_of
from rdo.tools.packaging.download import download_file
from rdo.updates.update_file import UpdateBuild

MOST_RPM_BYTES = 4 << 30
_COMPLETE = 1
_PART = re.compile(r"[A-Za-z0-9._+~^-]{1,200}")
_DEBUG = ("-debuginfo", "-debugsource")


@dataclass(frozen=True, slots=True)
class KojiRpm:
    """An RPM of a build: its file, its architecture, and Koji's hash of its payload."""

    file_name: str
    arch: str
    payload: str


@dataclass(frozen=True, slots=True)
class KojiBuilds:
    """A Koji under its name in update files; RPMs are kept in the folder `kept`."""

    name: str
    server: str
    files: str
    kept: Path

    def check(self, build: UpdateBuild) -> None:
        """Raise NotFoundError unless the Koji has the build and it is complete."""
        self._number(KojiHub(self.server, HubLogin()), build)

    def rpms(self, build: UpdateBuild) -> tuple[Path, ...]:
        """Return the RPMs of a build without debug RPMs; those not kept are downloaded.

        Raises NotFoundError if there is no such build, RefusedError for a file that differs from
        the hub's data.
        """
        hub = KojiHub(self.server, HubLogin())
        listed = hub.ask("listBuildRPMs", self._number(hub, build))
        wanted = list(self._wanted(listed, build))
        if not wanted:
            raise NotFoundError(f"{build.id} in {self.name} has no RPM for {build.arch or 'users'}")
        return tuple(self._kept(build, one) for one in wanted)

    def _number(self, hub: KojiHub, build: UpdateBuild) -> int:
        found = hub.ask("getBuild", build.id)
        if not isinstance(found, Mapping):
            raise NotFoundError(f"{self.name} has no build {build.id}")
        if found.get("state") != _COMPLETE:
            raise NotFoundError(f"the build {build.id} in {self.name} is not complete")
        number = found.get("id", found.get("build_id"))
        if not isinstance(number, int):
            raise OutsideError(f"{self.server} gives no usable answer about {build.id}")
        return number

    def _wanted(self, listed: Any, build: UpdateBuild) -> Iterator[KojiRpm]:
        for row in listed if isinstance(listed, list) else ():
            parts = [str(row.get(key, "")) for key in ("name", "version", "release", "arch")]
            if not all(map(_PART.fullmatch, parts)):
                raise OutsideError(f"{self.server} gives an RPM of {build.id} a strange name")
            name, version, release, arch = parts
            is_meant = not build.arch or arch in {build.arch, "noarch", "src"}
            if is_meant and not name.endswith(_DEBUG):
                payload = str(row.get("payloadhash", ""))
                yield KojiRpm(f"{name}-{version}-{release}.{arch}.rpm", arch, payload)

    def _kept(self, build: UpdateBuild, rpm: KojiRpm) -> Path:
        place = self.kept / self.name / build.id / rpm.file_name
        if place.is_file() and ident_of(place) == rpm.payload:
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".{place.name}.new")
        new.unlink(missing_ok=True)
        name, version, release = build.id.rsplit("-", 2)
        folder = f"packages/{name}/{version}/{release}/{rpm.arch}"
        url = f"{self.files.rstrip('/')}/{folder}/{rpm.file_name}"
        download_file(url, new, max_bytes=MOST_RPM_BYTES)
        if ident_of(new) != rpm.payload:
            new.unlink()
            raise RefusedError(f"{url} is not the RPM that {self.server} has")
        new.replace(place)
        return place
