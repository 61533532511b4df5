"""Read rdopkg's own configuration: Python files of assignments, which are never executed."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import ConfigError

_RDOINFO = "https://github.com/redhat-openstack/rdoinfo.git"
_RAW = "https://raw.githubusercontent.com/redhat-openstack/rdoinfo/master/"


@dataclass(frozen=True, slots=True)
class PkgSettings:
    """The effective settings, under rdopkg's names, and the files they came from."""

    values: Mapping[str, object]
    files: tuple[Path, ...] = ()

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def source(self, distro: str = "") -> tuple[str, str]:
        """Return a distribution's metadata source and its main file; may raise ConfigError."""
        name = (distro or self.text("DISTRO") or "RDO").upper()
        repo, file = self.text(f"{name}INFO_REPO"), self.text(f"{name}INFO_FILE")
        if not repo:
            raise ConfigError(
                f"Configuration error: no metadata for distro {name}; "
                f"set {name}INFO_REPO and {name}INFO_FILE"
            )
        return repo, file


def load(home: Path, system: Path = Path("/etc/rdopkg.d")) -> PkgSettings:
    """Load the defaults, then the system's files, then the maintainer's.

    Raises ConfigError for a file that is more than assignments of literals.
    """
    values: dict[str, object] = {
        "HOME_DIR": str(home / ".rdopkg"),
        "RDOINFO_FILE": "rdo-full.yml",
        "DISTRO": "RDO",
        "RDOINFO_REPO": _RDOINFO,
        "RDOINFO_RAW_URL": _RAW,
        "FETCH_PERIOD": 600,
        "REQCHECK_PY_VERSION": "3.9",
    }
    files = tuple(_files(system, home / ".rdopkg/conf.d"))
    for file in files:
        values.update(_assignments(file))
    return PkgSettings(values, files)


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.glob("*.py"))


def _assignments(file: Path) -> Iterator[tuple[str, object]]:
    """Yield the `NAME = literal` lines; anything else would have to be executed."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"Configuration error: {file}: {error}") from error
    known: dict[str, object] = {}
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not _is_setting(statement.targets):
            continue
        name = statement.targets[0].id  # type: ignore[attr-defined]  # seen by _is_setting
        try:
            known[name] = _literal(statement.value, known)
        except ValueError as error:
            raise ConfigError(
                f"Configuration error: {file}:{statement.lineno}: {name} is not a literal value; "
                f"only NAME = 'value' is supported"
            ) from error
    yield from known.items()


def _is_setting(targets: Sequence[ast.expr]) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id.isupper()


def _literal(value: ast.expr, known: Mapping[str, object]) -> object:
    """Evaluate a literal, an earlier setting, or texts joined with `+`."""
    if isinstance(value, ast.Name) and value.id in known:
        return known[value.id]
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        left, right = _literal(value.left, known), _literal(value.right, known)
        if isinstance(left, str) and isinstance(right, str):
            return left + right
    return ast.literal_eval(value)
