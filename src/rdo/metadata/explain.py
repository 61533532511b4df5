"""Where each value of a package comes from: the layer, file and line that set it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rdo.metadata.checking.faults import Where
from rdo.metadata.distribution import Distribution
from rdo.metadata.resolve import Layer, attributes, layers
from rdo.metadata.tree import Files, Items


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """A value, the layer that set it, and where it is written.

    Tags and items of lists have reasons of their own: `tags.oak`, `maintainers[0]`.
    """

    key: str
    value: Any
    layer: str
    where: Where


def explain(distribution: Distribution, name: str, tag: str | None = None) -> list[ExplainedValue]:
    """Return the reasons for all values of a package, sorted by key.

    Raises NotFoundError if the metadata has no such package.
    """
    located = distribution.located
    raw = located.raw(name)
    values = attributes(raw, located.tree, tag)
    givers: dict[str, Layer] = {}
    for layer in layers(raw, located.tree, tag):
        givers |= dict.fromkeys(layer.values, layer)
    files = located.files or Files()
    reasons = []
    for key, layer in sorted(givers.items()):
        for name, value, place in _parts(key, values[key], layer):
            where = files.where(place)
            reasons.append(ExplainedValue(name, value, layer.name, where))
    return reasons


def _parts(key: str, value: Any, layer: Layer) -> Iterator[tuple[str, Any, int]]:
    places: dict[Any, int] = getattr(layer.values, "places", {})
    if isinstance(value, Mapping) and value:
        below: dict[Any, int] = getattr(value, "places", {})
        for name, one in value.items():
            yield f"{key}.{name}", one, below.get(name, 0)
    elif isinstance(value, Items) and value:
        for number, (one, place) in enumerate(zip(value, value.places, strict=True)):
            yield f"{key}[{number}]", one, place
    else:
        yield key, value, places.get(key, 0)
