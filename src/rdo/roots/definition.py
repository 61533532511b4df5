"""The platforms that come with rdo, each a TOML file in `definitions/`."""

import tomllib
from importlib import resources
from typing import Any

from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.model.platform import Family, Platform

_DEFINITIONS = resources.files("rdo.roots") / "definitions"
_KEYS = {"family", "arch", "dist", "releasever", "suite", "python", "glibc", "packages"}
_OPTIONAL = {"provides", "python-packages", "macros", "bridged", "sdist-requires"}


def known_platforms() -> list[str]:
    return sorted(file.name.removesuffix(".toml") for file in _DEFINITIONS.iterdir())


def find_platform(name: str) -> Platform:
    """The definition of a platform; NotFoundError names the nearest one."""
    known = known_platforms()
    if name not in known:
        raise NotFoundError(
            f"there is no platform {name!r}{did_you_mean(name, known)}",
            hint=f"known: {', '.join(known)}",
        )
    return parse_platform(name, (_DEFINITIONS / f"{name}.toml").read_text())


def parse_platform(name: str, text: str) -> Platform:
    """A platform from the text of its definition; ConfigError names what is wrong."""
    try:
        table: dict[str, Any] = tomllib.loads(text)
        unknown = sorted(set(table) - _KEYS - _OPTIONAL)
        if unknown:
            raise ConfigError(f"platform {name}: unknown key {unknown[0]!r}")
        return Platform(
            name=name,
            family=Family(table["family"]),
            arch=table["arch"],
            dist=table["dist"],
            releasever=table["releasever"],
            suite=table["suite"],
            python=table["python"],
            glibc=table["glibc"],
            packages=tuple(table["packages"]),
            python_packages=tuple(table.get("python-packages", ())),
            provides=_names(table, "provides"),
            bridged=_names(table, "bridged"),
            sdist_requires=_names(table, "sdist-requires"),
            macros={key: str(value) for key, value in table.get("macros", {}).items()},
        )
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(f"platform {name}: {error}") from error
    except KeyError as error:
        raise ConfigError(f"platform {name}: the key {error} is missing") from error


def _names(table: dict[str, Any], key: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(names) for name, names in table.get(key, {}).items()}
