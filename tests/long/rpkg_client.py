"""The real client rpkg, from PyPI, in a virtual environment of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.70"

_PROGRAM = """\
# PyPI has rpkg as a library alone; each site's program, such as fedpkg, starts it like this.
import configparser, logging, os, sys
from pyrpkg.cli import cliClient

config = configparser.ConfigParser()
config.read(sys.argv[1])
is_bsd = sys.argv[2] == "bsd"
sys.argv[1:] = ["--path", os.getcwd(), *sys.argv[3:]]
client = cliClient(config, name="rpkg")
client.do_imports()


class Commands(client.site.Commands):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if is_bsd:
            self.source_entry_type = "bsd"


client.site.Commands = Commands
client.parse_cmdline()
client.setupLogging(client.site.log)
client.site.log.setLevel(logging.INFO)
try:
    sys.exit(client.args.command())
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""

_CONFIG = """\
[rpkg]
lookaside = {cache}
lookasidehash = sha512
lookaside_cgi = {upload}/upload.cgi
lookaside_attempts = 1
gitbaseurl = file://{git}/%(repo)s
anongiturl = file://{git}/%(repo)s
branchre = f\\d$
kojiprofile = koji
build_client = koji
distgit_namespaced = true
distgit_namespaces = rpms
lookaside_namespaced = true
"""


@dataclass(frozen=True)
class Said:
    """The exit code and output of rpkg."""

    code: int
    text: str


@dataclass(frozen=True)
class Rpkg:
    """An installed rpkg."""

    folder: Path

    @classmethod
    def install(cls, folder: Path) -> "Rpkg":
        """Install it into a new folder."""
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = (folder / "bin/python", "-m", "pip", "--quiet", "install")
        # pyrpkg and koji import pkg_resources or distutils on some Pythons
        subprocess.run([*pip, f"rpkg=={VERSION}", "setuptools<81"], check=True)
        return cls.installed(folder)

    @classmethod
    def installed(cls, folder: Path) -> "Rpkg":
        """Return the rpkg in an environment."""
        (folder / "program.py").write_text(_PROGRAM)
        return cls(folder)

    def site(self, cache: str, git: Path, *, upload: str = "") -> Path:
        """Write a configuration file of a site, for rpkg and for `fedpkg -C`."""
        file = self.folder / f"{len(list(self.folder.glob('*.conf')))}.conf"
        file.write_text(_CONFIG.format(cache=cache, upload=upload or cache, git=git))
        return file

    def run(self, place: Path, site: Path, *args: str, form: str = "bsd") -> Said:
        """Run it in a distgit. With the form `old` its lists are those of the library itself."""
        python, program = self.folder / "bin/python", self.folder / "program.py"
        command = [str(python), str(program), str(site), form, *args]
        done = subprocess.run(
            command,
            cwd=place,
            env={**os.environ, "GIT_EDITOR": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout + done.stderr)
