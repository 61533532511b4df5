"""Show metadata in rdopkg's layouts, for `info`, `findpkg` and `release`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rdo.metadata.queries import SupposedBranches

_FIRST = ("project", "conf", "upstream", "patches", "distgit", "master-distgit")
_RELEASE_FIRST = ("status", "branch", "identifier", "upstream_branch", "source_branch")


def summary(info: Mapping[str, Any]) -> str:
    """Return the releases with their repositories, and the number of packages per config."""
    lines = ["releases & repos:", *_releases(info["releases"]), ""]
    packages = info["packages"]
    lines.append(f"{len(packages)} packages defined:")
    confs = Counter(package.get("conf") for package in packages)
    lines += [f"  {count} using {conf} config" for conf, count in confs.items() if conf]
    if confs.get(None):
        lines.append(f"  {confs[None]} configured ad-hoc")
    lines += [
        "",
        "Supply regex filter(s) to list package details, e.g.:",
        "    rdopkg info nova",
        "    rdopkg info conf:client maintainers:jruzicka",
        "    rdopkg info '.*'",
    ]
    return "\n".join(lines)


def _releases(releases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for release in releases:
        status = f" in {release['status']} phase" if release.get("status") else ""
        yield f"  {release['name']}{status}"
        for repo in release.get("repos", ()):
            if "special" in repo:
                yield f"    {repo['name']}: {repo['special']}"
            else:
                built = repo.get("buildsys", "??")
                yield f"    {repo['name']} built in {built} from {repo.get('branch')} branch"


def packages(found: Sequence[Mapping[str, Any]]) -> str:
    """Return everything about each package."""
    if not found:
        return "No packages match your filter."
    parts = [f"{len(found)} packages found:", *(package(one) for one in found)]
    return "\n\n".join(parts)


def package(values: Mapping[str, Any]) -> str:
    """Return everything about one package: name, main attributes, the rest, maintainers."""
    return _fields(values, _FIRST, ("maintainers",))


def release(values: Mapping[str, Any]) -> str:
    """Return one release with its branches and repositories."""
    supposed = SupposedBranches.of(values)
    shown = {key: value for key, value in asdict(supposed).items() if value}
    return _fields(shown | {"repos": ", ".join(supposed.repos)}, _RELEASE_FIRST, ("repos",))


def _fields(values: Mapping[str, Any], first: Sequence[str], last: Sequence[str]) -> str:
    import yaml  # takes 20 ms, and only these layouts need it

    rest = dict(values)
    lines = [_field("name", rest.pop("name", ""))]
    lines += [_field(key, rest.pop(key)) for key in first if key in rest]
    ending = [_field(key, rest.pop(key)) for key in last if key in rest]
    if rest:
        dumped: str = yaml.safe_dump(rest, default_flow_style=False, allow_unicode=True)
        lines.append(dumped.rstrip())
    return "\n".join([*lines, *ending])


def _field(key: str, value: object) -> str:
    if isinstance(value, list | tuple | dict):
        return "\n".join([f"{key}: ", *(f"- {item}" for item in value)])
    return f"{key}: {value}"
