"""Attacks of foreign wheels and sdists on the bridge, and what other factories then see."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import PLATFORM, needs_roots, rdo
from tests.e2e.own_index import Factory

pytestmark = [needs_roots, pytest.mark.slow]

OWN = 'return write(folder, "{name}", "1.0", {{"{module}.py": "honest = True\\n"}})'
REQUESTS = 'return write(folder, "requests", "99.0", {"requests/__init__.py": "poisoned = True"})'
LIES = {
    # what the backend of an sdist leaves, and what is said of it
    "rdo-evil-name": (REQUESTS, "requests-99.0-py3-none-any.whl, which is of another project"),
    "rdo-evil-no-name": (
        (
            f"{REQUESTS.replace('return', 'made =')}\n"
            "os.rename(os.path.join(folder, made), os.path.join(folder, 'no-wheel-at-all-.whl'))\n"
            "return 'no-wheel-at-all-.whl'"
        ),
        "no-wheel-at-all-.whl, which is not the name of a wheel",
    ),
    "rdo-evil-metadata": (
        (
            f"{REQUESTS.replace('return', 'made =')}\n"
            "name = 'rdo_evil_metadata-1.0-py3-none-any.whl'\n"
            "os.rename(os.path.join(folder, made), os.path.join(folder, name))\nreturn name"
        ),
        "its folder 'requests-99.0.dist-info' is not that of rdo-evil-metadata 1.0",
    ),
    "rdo-evil-link": (
        (
            "name = 'rdo_evil_link-1.0-py3-none-any.whl'\n"
            "os.symlink('/etc/hostname', os.path.join(folder, name))\nreturn name"
        ),
        "produced no wheel",
    ),
    "rdo-evil-dots": ("return '../' * 30 + 'etc/hostname'", "produced no wheel"),
}


def test_a_wheel_that_is_not_of_its_sdist_is_refused_and_kept_for_nobody(
    factory: Callable[[str], Factory], shared: Path
) -> None:
    evil, innocent = factory("evil"), factory("innocent")
    for name, (code, _) in LIES.items():
        evil.index.add_sdist(name, code=code)
    evil.index.add_sdist("rdo-good", code=OWN.format(name="rdo-good", module="rdo_good"))

    done = evil.add(*LIES, "rdo-good")
    other = innocent.add("requests")

    assert done.code == 4
    assert done.stdout == "provided: python3dist(rdo-good)\n"
    for _, said in LIES.values():
        assert said in done.stderr
    kept = [path.name for path in (shared / PLATFORM / "built-wheels").glob("*/*.whl")]
    assert kept == ["rdo_good-1.0-py3-none-any.whl"]
    assert other.code == 0, other.stderr
    assert b"poisoned" not in innocent.content("requests")


def test_a_stranger_among_the_kept_wheels_disturbs_nobody(
    factory: Callable[[str], Factory], shared: Path
) -> None:
    folder = shared / PLATFORM / "built-wheels"
    folder.mkdir(exist_ok=True)
    for name in ("no-wheel-at-all-.whl", "rdo_lime-1.0-py3-none-any.whl"):
        (folder / name).write_text("of an earlier layout, or of nobody knows whom")
    one = factory("one")
    one.index.add_sdist("rdo-lime", code=OWN.format(name="rdo-lime", module="rdo_lime"))

    done = one.add("rdo-lime")

    assert done.code == 0, done.stderr
    assert b"honest = True" in one.content("rdo-lime")


def test_what_one_factory_builds_with_is_not_used_by_another(
    factory: Callable[[str], Factory],
) -> None:
    """Both have the same sdist; the first has another project's poisoned build requirement."""
    evil, innocent = factory("evil"), factory("innocent")
    code = "import rdo_tool\nreturn rdo_tool.build(write, folder)"
    for one, text in ((evil, "poisoned = True"), (innocent, "honest = True")):
        tool = (
            "def build(write, folder):\n"
            f"    return write(folder, 'rdo-fruit', '1.0', {{'rdo_fruit.py': '{text}'}})\n"
        )
        one.index.add_wheel("rdo-tool", "1.0", {"rdo_tool.py": tool})
        one.index.add_sdist("rdo-fruit", code=code, requires=("rdo-tool",))

    first, second = evil.add("rdo-fruit"), innocent.add("rdo-fruit")

    assert (first.code, second.code) == (0, 0), first.stderr + second.stderr
    assert b"poisoned = True" in evil.content("rdo-fruit")
    assert b"honest = True" in innocent.content("rdo-fruit")


def test_a_wheel_that_another_factory_built_takes_no_part_in_a_choice(
    factory: Callable[[str], Factory], shared: Path
) -> None:
    """One index has the project's own wheel, the other one an sdist of the same version."""
    evil, innocent = factory("evil"), factory("innocent")
    poison = 'return write(folder, "rdo-plum", "1.0", {"rdo_plum.py": "poisoned = True"})'
    evil.index.add_sdist("rdo-plum", code=poison)
    innocent.index.add_wheel("rdo-plum", "1.0", {"rdo_plum.py": "honest = True"})

    first, second = evil.add("rdo-plum"), innocent.add("rdo-plum")

    assert (first.code, second.code) == (0, 0), first.stderr + second.stderr
    assert b"honest = True" in innocent.content("rdo-plum")


def test_a_kept_wheel_is_used_again_and_only_as_it_was_kept(
    factory: Callable[[str], Factory], shared: Path
) -> None:
    factories = [factory(name) for name in ("one", "two", "three")]
    for one in factories:
        one.index.add_sdist("rdo-pear", code=OWN.format(name="rdo-pear", module="rdo_pear"))
    assert factories[0].add("rdo-pear").code == 0
    [wheel] = (shared / PLATFORM / "built-wheels").glob("*/rdo_pear-1.0-*.whl")
    before = wheel.stat().st_mtime_ns

    again = factories[1].add("rdo-pear")
    same = wheel.stat().st_mtime_ns
    wheel.write_bytes(wheel.read_bytes() + b"poisoned")
    last = factories[2].add("rdo-pear")

    assert (again.code, last.code) == (0, 0), again.stderr + last.stderr
    assert "built a wheel of rdo_pear-1.0.tar.gz" not in again.stderr
    assert same == before
    assert "has changed since it was made; it is made again" in last.stderr
    assert "built a wheel of rdo_pear-1.0.tar.gz" in last.stderr
    assert b"honest = True" in factories[2].content("rdo-pear")


def test_a_wheel_whose_record_lies_fails_its_own_project_alone(
    factory: Callable[[str], Factory],
) -> None:
    one = factory("one")
    record = "rdo_sour-1.0.dist-info/RECORD"
    one.index.add_wheel("rdo-sour", "1.0", {record: f"rdo_sour.py,sha256=AAAA,0\n{record},,\n"})
    one.index.add_wheel("rdo-needs-sour", "1.0", {}, "rdo-sour")
    one.index.add_wheel("rdo-sweet")

    done = one.add("rdo-needs-sour", "rdo-sweet")

    assert done.code == 4
    assert done.stdout == "provided: python3dist(rdo-sweet)\n"
    assert (
        "cannot bridge python3dist(rdo-needs-sour): the wheel of rdo-sour 1.0 is refused:"
        " its RECORD does not name" in done.stderr
    )


def test_a_project_without_a_wheel_is_found_behind_pips_conflict(
    factory: Callable[[str], Factory], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip goes back to older versions of rdo-top, and names their conflicts alone."""
    one = factory("one")
    (one.folder / "constraints.txt").write_text("rdo-mid==5.0\n")
    with (one.folder / "rdo.toml").open("a") as file:
        file.write('[bridge]\nconstraints = "constraints.txt"\n')
    for version in ("0.5", "5.0"):
        one.index.add_wheel("rdo-mid", version)
    for version, needs in (("1.0", "rdo-mid<1"), ("2.0", "rdo-mid<1"), ("3.0", "rdo-inotify")):
        one.index.add_wheel("rdo-top", version, {}, needs)
        one.index.add_sdist("rdo-top", version, code="raise SystemExit('not needed')")
    one.index.add_sdist("rdo-inotify", code=OWN.format(name="rdo-inotify", module="rdo_inotify"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_EXTRA_INDEX_URL", one.index.url)
        arguments = ("platform", "deps", "add", "python3dist(rdo-top) >= 1")
        done = rdo(*arguments, cwd=one.folder, constraints=None)

    assert done.code == 0, done.stderr
    assert "built a wheel of rdo_inotify-1.0.tar.gz" in done.stderr
    listed = rdo("platform", "deps", "list", "--json", cwd=one.folder, constraints=None).json
    assert {row["name"]: row["version"] for row in listed}["rdo-top"] == "3.0"
