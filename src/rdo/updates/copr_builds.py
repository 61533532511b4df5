"""The builds of a Copr user: projects `rdo-RELEASE-DIST`, read through Copr's API version 3."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from rdo.errors import NotFoundError, OutsideError
from rdo.forges.rest import RestServer
from rdo.tools.packaging.download import download_file
from rdo.updates.koji_builds import MOST_RPM_BYTES
from rdo.updates.update_file import UpdateBuild

_PART = re.compile(r"[A-Za-z0-9._+~^-]{1,200}")
_PAGE = 100
_DEBUG = ("-debuginfo", "-debugsource")


@dataclass(frozen=True, slots=True)
class CoprBuilds:
    """The content of a user's projects on a Copr; RPMs are kept in the folder `kept`."""

    owner: str
    server: str
    kept: Path

    def check(self, build: UpdateBuild) -> None:
        """Raise NotFoundError unless the project has the build and it succeeded."""
        self._number(build)

    def rpms(self, build: UpdateBuild) -> tuple[Path, ...]:
        """Return the RPMs of a build without debug RPMs; those not kept are downloaded.

        If several chroots have the same file, the first one is used. Copr gives no hashes, so the
        content is trusted as its server sends it. Raises NotFoundError if there is no such build.
        """
        number = self._number(build)
        packages = self._get(f"build/built-packages/{number}")
        found: dict[str, Path] = {}
        for row in self._get(f"build-chroot/list?build_id={number}").get("items", ()):
            chroot, url = str(row.get("name", "")), str(row.get("result_url") or "")
            rpms = packages.get(chroot, {}) if _PART.fullmatch(chroot) and url else {}
            for name in self._names(rpms, build):
                found.setdefault(name, self._kept(build, chroot, url, name))
        if not found:
            raise NotFoundError(f"{build.id} of {self._project(build)} has no RPM for users")
        return tuple(found.values())

    def _project(self, build: UpdateBuild) -> str:
        return f"{self.owner}/rdo-{build.repo}-{build.dist}"

    def _number(self, build: UpdateBuild) -> int:
        """Return the number of the newest successful build with the version and release."""
        project = self._project(build).partition("/")[2]
        query = f"ownername={quote(self.owner)}&projectname={quote(project)}&status=succeeded"
        query += f"&packagename={quote(build.name)}&limit={_PAGE}&order=id&order_type=DESC"
        for row in self._get(f"build/list?{query}", build).get("items", ()):
            source = row.get("source_package") or {}
            version = str(source.get("version", "")).rpartition(":")[2]
            if f"{source.get('name')}-{version}" == build.id and isinstance(row.get("id"), int):
                return int(row["id"])
        raise NotFoundError(f"{self._project(build)} on {self.server} has no build {build.id}")

    def _get(self, path: str, build: UpdateBuild | None = None) -> Mapping[str, Any]:
        try:
            found = RestServer(self.server, f"{self.server}/api_3").get(path)
        except NotFoundError:
            what = f"project {self._project(build)}" if build else path.partition("?")[0]
            raise NotFoundError(f"{self.server} has no {what}") from None
        if not isinstance(found, Mapping):
            raise OutsideError(f"{self.server} gives no usable answer")
        return found

    def _names(self, rpms: Mapping[str, Any], build: UpdateBuild) -> Iterator[str]:
        for one in rpms.get("packages", ()):
            parts = [str(one.get(key, "")) for key in ("name", "version", "release", "arch")]
            if not all(map(_PART.fullmatch, parts)):
                raise OutsideError(f"{self.server} gives an RPM of {build.id} a strange name")
            name, version, release, arch = parts
            is_meant = not build.arch or arch in {build.arch, "noarch", "src"}
            if is_meant and not name.endswith(_DEBUG):
                yield f"{name}-{version}-{release}.{arch}.rpm"

    def _kept(self, build: UpdateBuild, chroot: str, url: str, name: str) -> Path:
        """Return an RPM of a chroot."""
        if urlsplit(url).scheme not in {"http", "https"}:
            raise OutsideError(f"{self.server} gives a strange address for {name}")
        place = (
            self.kept / f"copr-{self.owner}" / build.repo / build.dist / build.id / chroot / name
        )
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            new = place.with_name(f".{name}.new")
            new.unlink(missing_ok=True)
            download_file(f"{url.rstrip('/')}/{quote(name)}", new, max_bytes=MOST_RPM_BYTES)
            new.replace(place)
        return place
