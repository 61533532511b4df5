"""Change a spec for a trunk build, as DLRN does."""

import re
from collections.abc import Iterator

from rdo.dlrn.versions import Numbers

_SECTION = re.compile(
    r"%(package|description|prep|conf|generate_buildrequires|build|install|check|clean"
    r"|pre|post|preun|postun|pretrans|posttrans|preuntrans|postuntrans|verify|verifyscript"
    r"|trigger\w*|filetrigger\w*|transfiletrigger\w*|files|changelog|sepolicy|sourcelist"
    r"|patchlist)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\s*%(?:if\w*|elif\w*|else|endif)\b")
_TAG = re.compile(r"\s*(version|release|source0?)\s*:", re.IGNORECASE)
_EPOCH = re.compile(r"\s*epoch\s*:\s*(\d*)", re.IGNORECASE)


def transform(
    spec: str,
    numbers: Numbers,
    archive: str,
    *,
    keep_archive: bool = False,
    keep_changelog: bool = False,
) -> str:
    """Return the spec to build: numbered, with our archive as its first source.

    Define `dlrn_nvr`, `dlrn` and `upstream_version` at the top, or redefine them where the spec
    has the same line. Replace the text UPSTREAMVERSION everywhere, and set Version, Release and
    Source0. Remove the changelog, but not the sections that follow it.

    This deliberately differs from DLRN in one way: Version and Release are replaced only as tags in
    a preamble, the package's own or a subpackage's. DLRN replaces everything after `Version:` on
    any line, even in descriptions and scripts.
    """
    spec = spec.replace("UPSTREAMVERSION", numbers.upstream_version)
    lines = spec.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if not keep_changelog:
        lines = _without_changelog(lines)
    lines = list(_renumbered(lines, numbers, "" if keep_archive else archive))
    if numbers.epoch:
        lines = _with_epoch(lines, numbers.epoch)
    lines = _defined(lines, "%define upstream_version", numbers.upstream_version)
    lines = _defined(lines, "%global dlrn", "1")
    lines = _defined(lines, "%global dlrn_nvr", archive.removesuffix(".tar.gz"))
    return "\n".join(lines) + "\n"


def _without_changelog(lines: list[str]) -> list[str]:
    """Return the lines without the entries; conditions that begin or end among them stay."""
    kept, is_inside = [], False
    for line in lines:
        opening = _SECTION.match(line)
        if opening:
            is_inside = opening[1].lower() == "changelog"
        if opening or not is_inside or _CONDITION.match(line):
            kept.append(line)
    return kept


def _renumbered(lines: list[str], numbers: Numbers, archive: str) -> Iterator[str]:
    section = ""
    for line in lines:
        if opening := _SECTION.match(line):
            section = opening[1].lower()
        tag = _TAG.match(line)
        if tag is None or section not in {"", "package"}:
            yield line
        elif tag[1].lower() == "version":
            yield f"Version: {numbers.version}"
        elif tag[1].lower() == "release":
            yield f"Release: {numbers.release}%{{?dist}}"
        else:
            yield f"{tag[1]}: {archive}" if archive else line


def _with_epoch(lines: list[str], epoch: int) -> list[str]:
    """Return the spec with an Epoch tag above its Version, at least as high as upstream's epoch."""
    if any((tag := _EPOCH.match(line)) and int(tag[1] or 0) >= epoch for line in lines):
        return lines
    others = [line for line in lines if not _EPOCH.match(line)]
    at = next((n for n, line in enumerate(others) if line.startswith("Version: ")), 0)
    return [*others[:at], f"Epoch: {epoch}", *others[at:]]


def _defined(lines: list[str], definition: str, value: str) -> list[str]:
    line = f"{definition} {value}"
    if any(old.startswith(f"{definition} ") for old in lines):
        return [line if old.startswith(f"{definition} ") else old for old in lines]
    return [line, *lines]
