"""The part of a package's page above its history."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rdo.logs.reader import clean
from rdo.model.package import Package
from rdo.model.text.url import without_secret
from rdo.notify.story import Story
from rdo.notify.words import reproduce_command
from rdo.pages.values import PackagePage, ShownAck, ShownLevel
from rdo.store.people.acks import Ack
from rdo.trunk.context import Trunk
from rdo.trunk.order.hints import last_build_requires
from rdo.trunk.order.providers import Providers
from rdo.trunk.views.headline import is_unwell, level_of
from rdo.trunk.views.state import FAILING, PackageView


@dataclass(frozen=True, slots=True)
class Needs:
    """Which packages of the release each package's last good build required, and the reverse."""

    needs: Mapping[str, tuple[str, ...]]
    needed_by: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, trunk: Trunk) -> "Needs":
        """Read them once for any number of packages."""
        with trunk.store.read() as at:
            providers = Providers(trunk.packages.values(), at.artifacts.provides(trunk.name))
            asked = last_build_requires(at, trunk.name)
        needs: dict[str, tuple[str, ...]] = {}
        needed_by: dict[str, set[str]] = {}
        for name, requires in asked.items():
            owners = {owner for need in requires for owner in providers.of(need)} - {name}
            needs[name] = tuple(sorted(owners))
            for owner in owners:
                needed_by.setdefault(owner, set()).add(name)
        return cls(needs, {name: tuple(sorted(users)) for name, users in needed_by.items()})


def package_page(
    trunk: Trunk,
    name: str,
    view: PackageView | None,
    story: Story | None,
    files: Mapping[int, Sequence[str]],
    needs: Needs,
) -> PackagePage:
    """Gather everything known about a package; one that has left the release has only a history."""
    if view is None:
        return PackagePage(name, ShownLevel.NONE, "not in this release", "")
    facts = view.facts
    is_failing = view.state in FAILING
    rpms = tuple(files.get(facts.good.id, ())) if facts.good else ()
    source = next((x for x in rpms if x.endswith(".src.rpm")), "")
    place = str(trunk.tree.site.directory(facts.good.commit)) if facts.good else ""
    return PackagePage(
        name,
        level_of(view),
        str(view.state),
        clean("; ".join(filter(None, (view.sentence, facts.sharing)))),
        source.removesuffix(".src.rpm"),
        tuple(_sources(facts.package)) if facts.package else (),
        tuple(map(without_domain, facts.package.maintainers)) if facts.package else (),
        needs.needs.get(name, ()),
        needs.needed_by.get(name, ()),
        tuple((f"{x.number:6} | {clean(x.text)}", x.is_cause) for x in story.lines)
        if story and is_failing
        else (),
        reproduce_command(trunk.factory, facts.newest.id) if is_failing and facts.newest else "",
        rpms,
        place,
        shown_ack(facts.ack),
        is_unwell(view),
    )


def shown_ack(ack: Ack | None) -> ShownAck | None:
    """Return an ack in the form that pages show."""
    if ack is None:
        return None
    return ShownAck(without_domain(ack.by), ack.since, clean(ack.why), ack.link)


def with_ack(view: PackageView, said: str) -> str:
    """Add who is working on a package to a text about it."""
    return clean(f"{said}; {view.facts.ack}" if view.facts.ack else said)


def _sources(package: Package) -> Iterator[tuple[str, str, str]]:
    """Yield the repositories, except paths on this machine, which are useless to readers."""
    urls = [("Upstream", url, package.upstream_branch) for url in package.upstreams]
    urls.append(("Distgit", package.distgit, package.distgit_branch))
    for text, url, branch in urls:
        if ":" in url and not url.startswith("file:"):
            yield text, clean(without_secret(url)), clean(branch)


def without_domain(maintainer: str) -> str:
    """Return a maintainer without the domain of the address, which spammers would use.

    >>> without_domain("ann@example.org"), without_domain("ann")
    ('ann@…', 'ann')
    """
    name, at, _ = clean(maintainer).partition("@")
    return f"{name}@…" if at else name
