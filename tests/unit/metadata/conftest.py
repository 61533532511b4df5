from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data/info"

MINIMAL = """\
releases:
- name: oak
  status: development
  branch: rpm-master
  upstream_branch: master
  repos:
  - name: el10s
package-default:
  name: python-%(project)s
  upstream: https://git.example.test/%(project)s
  distgit: https://distgit.example.test/%(project)s
  maintainers: [a@example.test]
"""


class Folder:
    """A folder of metadata files that a test writes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **files: str) -> "Folder":
        """`main="…"` becomes main.yml, `tags__oak="…"` becomes tags/oak.yml."""
        for name, text in files.items():
            file = self.path / f"{name.replace('__', '/')}.yml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return self


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """An empty folder, which is the current one, so that faults name files relative to it."""
    path = tmp_path / "info"
    path.mkdir()
    monkeypatch.chdir(path)
    return Folder(path)
