import json
from pathlib import Path

import pytest

from rdo.cli import main
from tests.conftest import GitRepository

MAIN = """\
releases:
- name: oak
  status: development
  branch: rpm-master
  upstream_branch: master
  repos: [{{name: el10s}}]
packages:
- project: new
  name: python-new
  upstream: {upstream}
  distgit: {distgit}
  maintainers: [a@example.test]
  tags: {{oak: , under-review: }}
"""


@pytest.fixture
def info(tmp_path: Path, upstream: GitRepository, distgit: GitRepository) -> Path:
    upstream.commit("one")
    distgit.commit("one", {"python-new.spec": "Name: python-new\n"})
    text = MAIN.format(upstream=upstream.url, distgit=distgit.url)
    (tmp_path / "rdo.yml").write_text(text)
    return tmp_path


def steps(
    info: Path, capsys: pytest.CaptureFixture[str], *args: str, code: int = 1
) -> dict[str, tuple[bool, str]]:
    assert main.run(["info", "--info", str(info), "review", "new", "--json", *args]) == code
    answer = json.loads(capsys.readouterr().out)
    return {step["name"]: (step["is_done"], step["detail"]) for step in answer}


def test_when_all_is_there_the_tag_may_be_lifted(
    info: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = steps(info, capsys)

    lifts = "remove the tag: `rdo info tag new under-review --remove`"
    assert found.pop("review") == (False, lifts)
    assert found.pop("spec") == (True, "python-new.spec")
    assert all(is_done for is_done, _ in found.values())

    main.run(["info", "--info", str(info), "tag", "new", "under-review", "--remove"])
    capsys.readouterr()
    assert steps(info, capsys, code=0)["review"][0]


def test_what_is_missing_is_named(
    info: Path, upstream: GitRepository, distgit: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.path.rename(upstream.path.with_name("away"))
    distgit.commit("a second spec", {"other.spec": ""})
    text = (info / "rdo.yml").read_text()
    (info / "rdo.yml").write_text(text + "  zuul: x\n")

    found = steps(info, capsys)

    assert "unknown key" in found["entry"][1]
    assert f"{upstream.url} cannot be reached" in found["repositories"][1]
    wanted = "the distgit needs one python-new.spec; it has other.spec, python-new.spec"
    assert found["spec"] == (False, wanted)
    assert found["review"][1].startswith("once the rest is done, ")


def test_a_spec_that_came_later_is_seen(
    info: Path, distgit: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    distgit.git("mv", "python-new.spec", "x.spec")
    distgit.commit("a wrong name")
    assert not steps(info, capsys)["spec"][0]
    distgit.git("mv", "x.spec", "python-new.spec")
    distgit.commit("the right name")

    assert steps(info, capsys)["spec"][0]


def test_a_target_that_has_not_built_it_is_named(
    info: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rdo.toml").write_text(
        "[metadata]\nsource = '.'\n[targets.t]\nrelease = 'oak'\nplatform = 'el10s-x86_64'\n"
    )

    assert main.run(["-C", str(tmp_path), "info", "review", "new", "--offline"]) == 1

    assert "to do  build on t" in capsys.readouterr().out
