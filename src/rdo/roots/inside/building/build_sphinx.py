"""`setup.py build_sphinx`, which specs use; Sphinx 7 no longer has it, but EL's Sphinx 3 does.

The macros layer installs this module beside the modules of a root, as a command of setuptools. The
options, including those in the section `build_sphinx` of setup.cfg, and their defaults are
Sphinx's.
"""

from pathlib import Path
from typing import ClassVar

from setuptools import Command  # type: ignore[import-untyped]  # it is only in roots


class BuildSphinx(Command):  # type: ignore[misc]  # of no known type
    """Build the documentation of a source with Sphinx."""

    description = "build Sphinx documentation"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = [
        ("fresh-env", "E", "discard the saved environment"),
        ("all-files", "a", "build all files"),
        ("source-dir=", "s", "source directory"),
        ("build-dir=", None, "build directory"),
        ("config-dir=", "c", "directory of conf.py"),
        ("builder=", "b", "the builder or builders to use"),
        ("warning-is-error", "W", "turn warnings into errors"),
        ("project=", None, "the documented project's name"),
        ("version=", None, "the short version"),
        ("release=", None, "the full version"),
        ("today=", None, "how to format the current date"),
        ("link-index", "i", "link index.html to the main document"),
        ("copyright", None, "the copyright string"),
        ("pdb", None, "start the debugger on an exception"),
        ("verbosity", "v", "say more"),
        ("nitpicky", "n", "warn of all missing references"),
        ("keep-going", None, "with -W, report all warnings"),
    ]
    boolean_options: ClassVar = [
        *("fresh-env", "all-files", "warning-is-error", "link-index", "nitpicky", "keep-going"),
    ]

    def initialize_options(self) -> None:
        self.fresh_env = self.all_files = self.warning_is_error = False
        self.link_index = self.nitpicky = self.keep_going = self.pdb = False
        self.source_dir = self.build_dir = self.config_dir = ""
        self.builder = "html"
        self.project = self.version = self.release = self.today = self.copyright = ""
        self.verbosity = 0
        for name in _dashed(self.user_options):  # newer setuptools keep setup.cfg's names unchanged
            setattr(self, name, None)

    def finalize_options(self) -> None:
        for name in _dashed(self.user_options):
            value = getattr(self, name)
            if value is not None:
                is_switch = name in self.boolean_options
                setattr(self, name.replace("-", "_"), _truth(value) if is_switch else value)
        self.ensure_string_list("builder")
        self.source_dir = self.source_dir or _source_dir()
        self.build_dir = self.build_dir or "build/sphinx"
        self.config_dir = self.config_dir or self.source_dir

    def run(self) -> None:
        """Run each builder; exit with Sphinx's status if one fails."""
        from sphinx.cmd.build import build_main  # type: ignore[import-not-found]  # in roots

        for builder in self.builder:
            if status := build_main(self._arguments(builder)):
                raise SystemExit(status)

    def _arguments(self, builder: str) -> list[str]:
        switches = {
            "-E": self.fresh_env,
            "-a": self.all_files,
            "-W": self.warning_is_error,
            "-n": self.nitpicky,
            "--keep-going": self.keep_going,
        }
        settings = ("project", "version", "release", "today", "copyright")
        values = {name: getattr(self, name) for name in settings}
        return [
            *("-b", builder, "-c", str(self.config_dir), "-d", f"{self.build_dir}/doctrees"),
            *(switch for switch, is_on in switches.items() if is_on),
            *(
                part
                for name, value in values.items()
                if value
                for part in ("-D", f"{name}={value}")
            ),
            *(str(self.source_dir), f"{self.build_dir}/{builder}"),
        ]


def _dashed(options: list[tuple[str, str | None, str]]) -> list[str]:
    names = [name.removesuffix("=") for name, _, _ in options]
    return [name for name in names if "-" in name]


def _truth(text: str) -> bool:
    """Return whether a value in setup.cfg means true."""
    return text.strip().lower() in {"1", "true", "yes", "on", "y", "t"}


def _source_dir() -> str:
    """Return the folder of conf.py in doc or docs."""
    for top in ("doc", "docs"):
        for found in sorted(Path(top).rglob("conf.py")):
            return str(found.parent)
    return "."
