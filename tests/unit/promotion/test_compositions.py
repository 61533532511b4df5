"""A set of builds is one repository, in whatever order somebody names the builds."""

from hypothesis import given
from hypothesis import strategies as st

from rdo.model.artifact import Artifact
from rdo.model.nevra import Nevra
from rdo.publish.contents import of_builds
from rdo.publish.good import GoodBuild
from rdo.publish.site import Members, Site
from rdo.store.work.artifacts import StoredArtifact
from tests.publishing import START, TARGET, commit, package

NAMES = [f"python-{letter}" for letter in "abcdefgh"]
MEMBERS = Members(tuple(package(name) for name in NAMES[2:]))


def build(number: int, name: str, component: str | None) -> GoodBuild:
    nevra = Nevra(name.replace("python-", "python3-"), 0, str(number), "1", "noarch")
    artifact = Artifact(f"{nevra}.rpm", nevra, f"{number:064x}", 1, is_source=False)
    stored = StoredArtifact(number, number, name, artifact)
    return GoodBuild(number, commit(name, f"{number:x}", component), START, (stored,))


@st.composite
def sets(draw: st.DrawFn) -> tuple[list[GoodBuild], list[GoodBuild]]:
    """A set of builds in two orders."""
    chosen = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    numbers = st.integers(1, 10**6)
    builds = [build(draw(numbers), name, draw(st.sampled_from(["one", "two"]))) for name in chosen]
    return builds, draw(st.permutations(builds))


@given(sets(), st.booleans())
def test_the_order_of_builds_does_not_matter(
    orders: tuple[list[GoodBuild], list[GoodBuild]], components: bool
) -> None:
    one, other = orders
    site = Site(TARGET, "http://127.0.0.1", components=components)

    assert of_builds(site, one, MEMBERS) == of_builds(site, other, MEMBERS)


@given(sets())
def test_every_build_is_in_one_component_and_versions_csv_has_its_row(
    orders: tuple[list[GoodBuild], list[GoodBuild]],
) -> None:
    builds, _ = orders
    site = Site(TARGET, "http://127.0.0.1", components=True)

    parts = of_builds(site, builds, MEMBERS)

    held = [stored.build_id for part in parts for stored in part.others]
    rows = [row.commit for part in parts for row in part.rows]
    assert sorted(held) == sorted(one.id for one in builds)
    assert {row.key for row in rows} == {one.commit.key for one in builds}
    assert len({part.component for part in parts}) == len(parts)
