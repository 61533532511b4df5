"""Several projects without wheels in one request to the bridge."""

from collections.abc import Callable

import pytest

from tests.e2e.command import needs_roots
from tests.e2e.own_index import Factory

CODE = 'return write(folder, "{name}", "1.0", {{"{module}.py": "honest = True\\n"}})'

pytestmark = [needs_roots, pytest.mark.slow]


def resolutions(stderr: str) -> int:
    return stderr.count("resolving from PyPI")


def offer_sdist(factory: Factory, name: str, *requires: str) -> None:
    code = CODE.format(name=name, module=name.replace("-", "_"))
    factory.index.add_sdist(name, code=code, requires=requires)


def test_what_the_builds_of_several_need_is_asked_for_together(
    factory: Callable[[str], Factory],
) -> None:
    one = factory("one")
    for number in (1, 2, 3):
        offer_sdist(one, f"rdo-plum-{number}", f"rdo-tool-{number}")
    one.index.add_wheel("rdo-tool-1")
    one.index.add_wheel("rdo-tool-2")  # and the third is nowhere

    done = one.add("rdo-plum-1", "rdo-plum-2", "rdo-plum-3", "rdo-nowhere")

    assert done.code == 4
    assert done.stdout == "provided: python3dist(rdo-plum-1)\nprovided: python3dist(rdo-plum-2)\n"
    assert "neither PyPI nor Debian provides python3dist(rdo-plum-3)" in done.stderr
    assert "building its wheel requires python3dist(rdo-tool-3)" in done.stderr
    assert "PyPI has no sdist for rdo-nowhere" in done.stderr
    # What every root has; the tools of the three; all.
    assert resolutions(done.stderr) <= 3
    assert b"honest = True" in one.content("rdo-plum-2")


def test_what_the_builds_of_hidden_sdists_need_does_not_begin_the_resolution_again(
    factory: Callable[[str], Factory],
) -> None:
    """Only pip finds these sdists, one after the other, and each build asks for a tool."""
    one = factory("one")
    for number in (1, 2):
        offer_sdist(one, f"rdo-lemon-{number}", f"rdo-press-{number}")
        one.index.add_wheel(f"rdo-press-{number}")
    one.index.add_wheel("rdo-juice", "1.0", None, "rdo-lemon-1", "rdo-lemon-2")

    done = one.add("rdo-juice")

    assert done.code == 0, done.stderr
    # What every root has; the juice; the tool of the one; the tool of the other.
    assert resolutions(done.stderr) == 4
    assert b"honest = True" in one.content("rdo-lemon-1") + one.content("rdo-lemon-2")


def test_a_pinned_project_without_a_wheel_is_found_by_one_answer_of_pip(
    factory: Callable[[str], Factory],
) -> None:
    """Without it pip would go back through all versions of the other project."""
    one = factory("one")
    (one.folder / "constraints.txt").write_text("rdo-quince===1.0\nrdo-medlar===1.0\n")
    with (one.folder / "rdo.toml").open("a") as file:
        file.write('[bridge]\nconstraints = "constraints.txt"\n')
    offer_sdist(one, "rdo-quince", "rdo-press")
    offer_sdist(one, "rdo-medlar")
    one.index.add_wheel("rdo-press")
    one.index.add_wheel("rdo-jelly", "1.0", None, "rdo-quince")
    for number in range(3):
        one.index.add_wheel("rdo-bread", f"1.{number}")

    done = one.add("rdo-bread", "rdo-jelly")

    assert done.code == 0, done.stderr
    assert b"honest = True" in one.content("rdo-quince")
    assert "resolving from PyPI: rdo-bread, rdo-jelly" in done.stderr
    assert "built a wheel of rdo_quince" in done.stderr
    assert "rdo_medlar" not in done.stderr
    assert not list(one.snapshot.glob("*medlar*"))


def test_sdists_that_need_each_other_to_be_built_are_refused_by_name(
    factory: Callable[[str], Factory],
) -> None:
    one = factory("one")
    offer_sdist(one, "rdo-hen", "rdo-egg")
    offer_sdist(one, "rdo-egg", "rdo-hen")

    done = one.add("rdo-hen")

    assert done.code == 4
    assert "neither PyPI nor Debian provides python3dist(rdo-hen)" in done.stderr
    assert "building its wheel requires python3dist(rdo-egg)" in done.stderr


def test_what_is_there_already_is_only_noted(factory: Callable[[str], Factory]) -> None:
    one = factory("one")
    offer_sdist(one, "rdo-pear")
    one.index.add_wheel("rdo-apple", "1.0", None, "rdo-pear")
    first = one.add("rdo-apple")
    before = one.snapshot

    done = one.add("rdo-pear", "rdo-apple")

    assert (first.code, done.code) == (0, 0), (first.stderr, done.stderr)
    assert done.stdout == "provided: python3dist(rdo-pear)\nprovided: python3dist(rdo-apple)\n"
    assert resolutions(done.stderr) == 0
    assert one.snapshot == before
    assert one.reasons("rdo-pear") == [
        "a build requires python3dist(rdo-pear)",
        "rdo-apple 1.0 requires rdo-pear",
    ]
