"""A factory that may import from an address, and a `rdo repo import` in it."""

import contextlib
import io
import json
import subprocess
from pathlib import Path

from rdo.cli.main import run
from tests.databases import database_of
from tests.publishing import TARGET
from tests.serving import CONFIG, INFO


def configure(root: Path, allowed: str, *, components: bool = False, info: str = INFO) -> Path:
    (root / "info").mkdir(parents=True)
    (root / "info/rdo.yml").write_text(info)
    text = CONFIG.format(
        database=database_of(root), target=TARGET, components=str(components).lower(), more=""
    )
    more = f'import-from = ["{allowed}"]\n[targets.other'
    (root / "rdo.toml").write_text(text.replace("[targets.other", more, 1))
    return root


def run_import(root: Path, *words: str) -> tuple[int, str]:
    """Run `rdo repo import`; return its exit code and output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = run(["-C", str(root), "repo", "import", *words, "--target", TARGET])
    return code, out.getvalue()


def done(root: Path, *words: str) -> dict[str, list[dict[str, object]]]:
    """Import, and return the JSON answer."""
    code, said = run_import(root, "--json", *words)
    assert code == 0, said
    found: dict[str, list[dict[str, object]]] = json.loads(said[said.index("{\n") :])
    return found


def repos(root: Path) -> Path:
    return root / f"data/{TARGET}/repos"


def rpms_of(repository: Path) -> list[str]:
    """The binary RPMs that dnf would find; fail if a file is missing."""
    text = subprocess.run(
        ["sh", "-c", f"zcat {repository}/repodata/*primary*"], capture_output=True, check=True
    ).stdout.decode()
    hrefs = [one.partition('"')[0] for one in text.split('<location href="')[1:]]
    assert all((repository / one).is_file() for one in hrefs)
    return sorted(one.rpartition("/")[2] for one in hrefs if not one.endswith(".src.rpm"))
