"""Versions of upstreams: the tags that name them, and Version and Release with the same order.

This module alone converts between git tags and versions, and from a version to the numbers of a
spec. Versions are ordered as PEP 440 orders them. The module is also copied into roots, so it
requires only the standard library.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

_PEP440 = re.compile(
    r"(?:(?P<epoch>\d+)!)?(?P<numbers>\d+(?:\.\d+)*)"
    r"(?P<pre>[-_.]?(?P<stage>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_number>\d*))?"
    r"(?P<post>-(?P<implied>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_STAGES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_LETTERED = re.compile(r"\d+(?:\.\d+)*(?:[a-z]|p\d+)")
"""Versions that only rpm knows and orders correctly: OpenSSL's 1.1.1k, OpenSSH's 9.9p1."""

_SNAPSHOT = re.compile(r"(?P<numbers>\d+(?:\.\d+)*)(?P<rest>\.(?:dev|git|g|pre)\w*(?:\.\w+)*)")
_SAFE_MILESTONE = re.compile(r"[A-Za-z0-9.+~^_]+")
_BEFORE_NUMBER = re.compile(
    r"(?:^|[-_/@]|(?<=[A-Za-z])\.)(?:v|r|ver|version|rel|release)?[-_.]?$", re.IGNORECASE
)
_STYLE = re.compile(r"(?P<before>.*)X(?P<joint>[-_.])Y(?P=joint)Z(?P<behind>.*)", re.DOTALL)
_JOINED = {
    joint: re.compile(
        rf"\d+(?:{joint}\d+)+"
        rf"(?:[a-z]|p\d+|{joint}?(?:alpha|beta|preview|pre|rc|a|b)(?:{joint}?\d+)?)?",
        re.IGNORECASE,
    )
    for joint in "_-"
}
_FINAL = re.compile(r"[-_.](?:final|release|ga)$", re.IGNORECASE)
"""What some upstreams write after a final version: `2.0.0.Final`."""

# Tags with a number that is not the version of what they tag.
_OTHERS = frozenset(
    (
        *("after", "alpha", "archive", "backup", "base", "before", "begin", "beta", "branch"),
        *("bug", "build", "ci", "debian", "dev", "end", "eol", "eom", "fedora", "issue", "merge"),
        *("milestone", "mr", "nightly", "old", "pr", "pre", "prerelease", "pretest", "preview"),
        *("private", "rc", "rhel", "snapshot", "sprint", "start", "svn", "sync", "test", "tmp"),
        *("ubuntu", "wip"),
    )
)
_BEHIND_VERSION = re.compile(r"(?:^|[-_/@.])v?\d+[-._]\d", re.IGNORECASE)
"""A version that is not understood; no number after it is one, as in `1.0.0-beta.2.1`."""


@dataclass(frozen=True, slots=True)
class SpecNumbers:
    """A version in the form of a spec.

    `upstream` is the version as upstream writes it. `order` makes Release sort a pre-release; it is
    empty for a final version. `milestone` is the rest of upstream's version after `version`, if
    that is all of it.
    """

    upstream: str
    epoch: int
    version: str
    order: str = ""
    milestone: str = ""

    @property
    def release_start(self) -> str:
        """The first Release number of this version."""
        return "1" if not self.order else "0.0.1" if self.order.startswith("dev") else "0.1"

    @property
    def is_macro_enough(self) -> bool:
        """Whether `%{?milestone}` in Release sorts like `order`."""
        return self.milestone.lstrip(".") == self.order

    @property
    def one_version(self) -> str:
        """The same in Version alone, for a Release that begins at 1: `2.0.0~rc1`."""
        if self.order.startswith("dev"):
            return f"{self.version}~{'' if '.post' in self.version else '~'}{self.order}"
        return f"{self.version}~{self.order}" if self.order else self.version


def is_version(text: str) -> bool:
    """Whether a text looks like a version of software, and begins with a digit.

    >>> [is_version(x) for x in ("1.2", "2.0.0rc1", "1.1.1k", "demo_2.0", "2.0-eol", "1a2b3c4")]
    [True, True, True, False, False, False]
    """
    forms = (_PEP440, _LETTERED, _SNAPSHOT)
    return any(form.fullmatch(text) is not None for form in forms)


def is_pep440(text: str) -> bool:
    """Whether a text is a version of PEP 440."""
    return _PEP440.fullmatch(text) is not None


def spec_numbers(version: str) -> SpecNumbers:
    """Return a spec's numbers for a version; raises ValueError if its order is not known.

    >>> [spec_numbers(x).version for x in ("2.0.0", "2.0.0rc1", "3.0.0.0rc1", "2.0.0.post1")]
    ['2.0.0', '2.0.0', '3.0.0', '2.0.0.post1']
    >>> [spec_numbers(x).one_version for x in ("2.0b1", "2.0.dev3", "2.0a1.dev2", "2.0+x.1")]
    ['2.0~b1', '2.0~~dev3', '2.0~a1~dev2', '2.0^x.1']
    """
    match = _PEP440.fullmatch(version)
    if match is None:
        return _other_numbers(version)
    numbers = match["numbers"]
    parts = numbers.split(".")
    has_pre = bool(match["pre"])
    if has_pre and len(parts) > 3 and parts[-1] == "0":  # pbr's form: 3.0.0.0rc1
        numbers = ".".join(parts[:-1])
    is_pre = has_pre or bool(match["dev"])
    text = numbers + ("" if has_pre else _post(match))
    order = f"{_stage(match, parts, numbers)}{_post(match)}" if has_pre else ""
    if match["dev"]:
        order += f"{'~' if order else ''}dev{int(match['dev_number'] or 0)}"
    local = f"^{re.sub('[-_]', '.', match['local'])}" if match["local"] else ""
    order, text = (order + local, text) if is_pre else (order, text + local)
    milestone = version[len(text) :] if version.startswith(text) and is_pre else ""
    if not _SAFE_MILESTONE.fullmatch(milestone):
        milestone = ""
    return SpecNumbers(version, int(match["epoch"] or 0), text, order, milestone)


def numbers_like(version: str, current: str, *, is_alone: bool = False) -> SpecNumbers:
    """Return a spec's numbers for a version, in the form of its current Version.

    A pre-release stays in Version if the current one is there, or if Version is `is_alone` because
    the spec does not write its Release. A version whose order is not known is accepted if it
    differs from the current one only in its numbers. Raises ValueError otherwise.

    >>> [numbers_like(x, "2.0~beta1").version for x in ("2.0-beta2", "2.0", "2.0.dev3")]
    ['2.0~beta2', '2.0', '2.0~~dev3']
    >>> numbers_like("2.1.fb70", "2.1.fb69").version
    '2.1.fb70'
    """
    try:
        found = spec_numbers(version)
    except ValueError:
        is_safe = re.fullmatch(r"\d[\w.+~^]*", version, re.ASCII) is not None
        if not is_safe or re.sub(r"\d+", "0", version) != re.sub(r"\d+", "0", current):
            raise
        return SpecNumbers(version, 0, version)
    if found.order and (is_alone or "~" in current):
        stage = version.removeprefix(found.version).lstrip("-_.")
        is_plain = re.fullmatch(r"[a-z]+\d*", stage) is not None and stage[:3] != "dev"
        whole = f"{found.version}~{stage}" if is_plain else found.one_version
        return SpecNumbers(version, found.epoch, whole)
    return found


def as_spec_version(version: str) -> str:
    """Return a version in Version's form, with its epoch; as it is if its order is not known.

    >>> [as_spec_version(x) for x in ("1.2", "v1.0", "2.0rc1", "1!2.0.dev3", "2004d")]
    ['1.2', '1.0', '2.0~rc1', '1:2.0~~dev3', '2004d']
    """
    try:
        numbers = spec_numbers(re.sub(r"^[vV](?=\d)", "", version))
    except ValueError:
        return version
    return f"{numbers.epoch}:{numbers.one_version}" if numbers.epoch else numbers.one_version


def _same_version(version: str) -> tuple[int, str] | None:
    """Return a value that is equal for all spellings of a version; None if not of PEP 440."""
    if not is_pep440(version):
        return None
    numbers = spec_numbers(version)
    return numbers.epoch, numbers.one_version


def tags_of_rpm_version(version: str, tags: Iterable[str]) -> list[str]:
    """Return the tags of a pre-release that is written in rpm's order.

    >>> tags_of_rpm_version("2.0~rc1", ["v2.0", "v2.0-rc1", "v2.0-rc2"])
    ['v2.0-rc1']
    """
    wanted = version.replace("~", "")
    if wanted == version or not is_pep440(wanted):
        return []
    order = spec_numbers(wanted).one_version
    named = [(tag, split_tag(tag)[0]) for tag in tags]
    return [tag for tag, it in named if is_pep440(it) and spec_numbers(it).one_version == order]


def _stage(match: re.Match[str], parts: list[str], numbers: str) -> str:
    stage = match["stage"].lower()
    zero = "" if numbers == ".".join(parts) else "0"
    return f"{zero}{_STAGES.get(stage, stage)}{int(match['pre_number'] or 0)}"


def _post(match: re.Match[str]) -> str:
    return f".post{int(match['implied'] or match['post_number'] or 0)}" if match["post"] else ""


def _other_numbers(version: str) -> SpecNumbers:
    if _LETTERED.fullmatch(version):
        return SpecNumbers(version, 0, version)
    if snapshot := _SNAPSHOT.fullmatch(version):
        rest = snapshot["rest"]
        order = rest.lstrip(".")
        return SpecNumbers(version, 0, snapshot["numbers"], order, rest)
    raise ValueError(f"{version!r} is not a version whose order is known")


def version_of_tag(tag: str) -> str:
    """Return the version that a git tag names, or "" if it names none.

    >>> [version_of_tag(x) for x in ("v1.2", "demo_2.0.0", "release-1.4.2", "REL_15_2", "x-eol")]
    ['1.2', '2.0.0', '1.4.2', '15.2', '']
    """
    return split_tag(tag)[0]


def split_tag(tag: str) -> tuple[str, str]:
    """Return the version that a git tag names and the style of its name; ("", "") if there is none.

    `tag_of` is the reverse.

    >>> split_tag("v1.2"), split_tag("curl-7_88_1"), split_tag("1.2"), split_tag("1.2.Final")
    (('1.2', 'vX.Y.Z'), ('7.88.1', 'curl-X_Y_Z'), ('1.2', ''), ('1.2', 'X.Y.Z.Final'))
    """
    whole, tag = tag, _FINAL.sub("", tag)
    behind = whole[len(tag) :]
    for number in re.finditer(r"(?<!\d)\d", tag):
        before, text = tag[: number.start()], tag[number.start() :]
        if not _BEFORE_NUMBER.search(before) or _BEHIND_VERSION.search(before):
            continue
        if _OTHERS & set(re.split(r"[-_/@.]", before.lower())):
            continue
        for joint, form in _JOINED.items():
            if form.fullmatch(text):
                return text.replace(joint, "."), f"{before}X{joint}Y{joint}Z{behind}"
        if is_version(text):
            return text, f"{before}X.Y.Z{behind}" if before or behind else ""
    return "", ""


def tag_of(version: str, style: str) -> str:
    """Return the tag of a version in a style.

    >>> tag_of("1.2", "vX.Y.Z"), tag_of("7.88.1", "curl-X_Y_Z"), tag_of("1.2", "X.Y.Z-final")
    ('v1.2', 'curl-7_88_1', '1.2-final')
    """
    match = _STYLE.fullmatch(style)
    if match is None:
        return f"{style}{version}"
    return f"{match['before']}{version.replace('.', match['joint'])}{match['behind']}"


def tags_of_version(version: str, tags: Iterable[str], first: Collection[str] = ()) -> list[str]:
    """Return the tags that name a version; those in one of the styles `first` come first.

    A pre- or post-release may be spelled differently in a tag; the same spelling comes before
    others.

    >>> tags_of_version("2.1rc1", ["v2.1", "v2.1-rc1", "2.1.rc.1", "v2.1rc1"])
    ['v2.1rc1', '2.1.rc.1', 'v2.1-rc1']
    """
    same = _same_version(version)

    def found() -> Iterator[tuple[bool, bool, int, str]]:
        for tag in tags:
            named, style = split_tag(tag)
            if named == version or (same and _same_version(named) == same):
                yield named != version, style not in first, len(tag), tag

    return [tag for *_, tag in sorted(found())]
