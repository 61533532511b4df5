"""Places that repositories are pushed to: each belongs to one target, and is not a tree itself."""

from pathlib import Path

import pytest

from rdo.config.pushing import PushSection, push_faults

TREES = {"a": Path("/srv/rdo/data/a"), "b": Path("/srv/rdo/data/b")}


def place(to: str, url: str = "http://mirror.example.test") -> PushSection:
    return PushSection.model_validate({"to": to, "url": url})


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("/srv/mirror/{target}", None),
        ("rsync://mirror.example.test/rdo/{target}", None),
        ("/srv/rdo/data/mirror/{target}", None),
        ("/srv/mirror/", "targets.a.push.eu and targets.b.push.eu push to the same place"),
        ("/srv/rdo/data/{target}/repos", "targets.a.push.eu pushes to /srv/rdo/data/a/repos"),
        ("/srv/mirror/../rdo/data/{target}", "which overlaps /srv/rdo/data/a; choose another"),
        ("/", "targets.a.push.eu pushes to /, which overlaps /srv/rdo/data/a"),
    ],
)
def test_a_place_belongs_to_one_target_and_is_outside_all_trees(to: str, told: str | None) -> None:
    found = list(push_faults({"a": {"eu": place(to)}, "b": {"eu": place(to)}}, TREES))

    assert (not found) if told is None else any(told in one for one in found), found


def test_addresses_contain_the_name_of_the_target() -> None:
    section = place("s3://rdo-mirror/{target}", "https://mirror.example.test/{target}")

    one = section.of("master-deb12")

    assert one.to == "s3://rdo-mirror/master-deb12"
    assert one.url == "https://mirror.example.test/master-deb12"
