"""A factory with several targets; the builder of each is a command that follows a file."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import GitRepository
from tests.rpms import make_rpms

SCRIPT = r"""
import glob, pathlib, shutil, sys, time
results, package = pathlib.Path(sys.argv[1]).absolute(), sys.argv[2]
site = pathlib.Path(__file__).parent
target = results.relative_to(site / "data").parts[0]
with (site / "began").open("a") as began:
    began.write(f"{target} {package}\n")
plan = site / "plans" / target / package
act, _, argument = plan.read_text().partition(" ") if plan.exists() else ("build", "", "")
if act == "fail":
    print(argument)
    sys.exit(1)
if act == "until":
    until = time.monotonic() + 120
    while not (site / argument).exists() and time.monotonic() < until:
        if (site / f"{argument}.fail" / target).exists():
            sys.exit(1)
        time.sleep(0.02)
if act == "sleep":
    time.sleep(float(argument))
for rpm in glob.glob(f"{site}/shelf/{package}/*.rpm"):
    shutil.copy(rpm, results)
with (site / "ended").open("a") as ended:
    ended.write(f"{target} {package}\n")
"""
HEAD = """\
releases:
- name: master
  status: development
  branch: rpm-master
  repos:
  - name: deb12
packages:
"""
PACKAGE = """\
- project: {name}
  name: python-{name}
  upstream: {upstream}
  distgit: {distgit}
  maintainers: [one@example.test]
  tags: {{master: }}
"""


@dataclass(slots=True)
class Several:
    """A folder with rdo.toml, metadata and git repositories; `lines` are more of rdo.toml."""

    folder: Path
    platforms: tuple[str, ...] = ("deb12-x86_64", "deb13-x86_64")
    lines: str = ""
    more: str = ""
    metadata: str = HEAD
    upstreams: dict[str, GitRepository] = field(default_factory=dict)

    def write(self) -> None:
        words = [sys.executable, "-S", str(self.folder / "build.py"), "{resultdir}", "{package}"]
        (self.folder / "build.py").write_text(SCRIPT)
        (self.folder / "rdo.toml").write_text(
            f'data = "data"\n{self.lines}[metadata]\nsource = "info"\n[targets.master]\n'
            f'release = "master"\nplatforms = {list(self.platforms)}\nbuilder = "command"\n'
            f"command = {words}\n{self.more}"
        )
        (self.folder / "info").mkdir(exist_ok=True)
        (self.folder / "info/rdo.yml").write_text(self.metadata)

    def add(
        self,
        *names: str,
        requires: tuple[str, ...] = (),
        shares: bool = False,
        noarch: bool = True,
    ) -> None:
        for name in names:
            upstream = GitRepository(self.folder / "git" / name)
            upstream.commit("one", {"setup.py": name})
            distgit = GitRepository(self.folder / "git" / f"{name}-distgit", "rpm-master")
            distgit.commit("spec", {f"python-{name}.spec": f"Name: python-{name}\n"})
            shelf = self.folder / f"shelf/python-{name}"
            make_rpms(shelf, f"python-{name}", requires=requires, noarch=noarch)
            self.upstreams[name] = upstream
            self.metadata += PACKAGE.format(name=name, upstream=upstream.url, distgit=distgit.url)
            self.metadata += "  share-noarch: true\n" if shares else ""

    def plan(self, target: str, name: str, act: str) -> None:
        file = self.folder / "plans" / target / f"python-{name}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(act)

    def fail_now(self, target: str, argument: str) -> None:
        """Fail those builds of a target that wait for a file."""
        (self.folder / f"{argument}.fail").mkdir(exist_ok=True)
        (self.folder / f"{argument}.fail" / target).touch()

    def noted(self, what: str) -> list[str]:
        """Return what the builds have noted: those that `began` or `ended`, in order."""
        file = self.folder / what
        return file.read_text().splitlines() if file.exists() else []

    def start(self, *args: str) -> subprocess.Popen[str]:
        self.write()
        command = [sys.executable, "-m", "rdo", "-C", str(self.folder), "trunk", "run", *args]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def rdo(self, *args: str) -> str:
        """Return what `rdo trunk` prints."""
        return self.ask("trunk", *args)

    def ask(self, *args: str, code: int = 0) -> str:
        """Return what `rdo` prints, and its errors if it ends with another code than 0."""
        command = [sys.executable, "-m", "rdo", "-C", str(self.folder), *args]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout
