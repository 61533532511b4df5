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
    # All; what every root has; all; the tools of the three; all.
    assert resolutions(done.stderr) <= 5
    assert b"honest = True" in one.content("rdo-plum-2")


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
