"""A release on its platforms: the state of each package, with a column for each target."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rdo.pages.live_values import Cell
from rdo.pages.values import ShownLevel
from rdo.trunk.views.headline import level_of
from rdo.trunk.views.state import TargetView


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The packages of several targets; a cell is None if the target does not have the package."""

    targets: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

    @property
    def unwell(self) -> tuple[tuple[str, tuple[Cell | None, ...]], ...]:
        """The rows of packages with a problem on any target."""
        return tuple(row for row in self.rows if any(cell and _is_unwell(cell) for cell in row[1]))


def side_by_side(targets: Sequence[str], cells: Sequence[Iterable[Cell]]) -> SideBySide:
    """Arrange the packages of targets in rows; `cells` are those of each target."""
    by_target = [{cell.package: cell for cell in some} for some in cells]
    names = sorted(set().union(*by_target))
    rows = ((name, tuple(column.get(name) for column in by_target)) for name in names)
    return SideBySide(tuple(targets), tuple(rows))


def cells_of(view: TargetView) -> list[Cell]:
    """Return each package of a target as a field of the table."""
    return [Cell(one.package, level_of(one), one.state) for one in view.packages.values()]


def side_by_side_row(found: SideBySide) -> dict[str, object]:
    """Return the table as JSON data: the state, by package and target."""
    return {
        "targets": found.targets,
        "packages": {
            name: {
                target: str(cell.state)
                for target, cell in zip(found.targets, cells, strict=True)
                if cell
            }
            for name, cells in found.rows
        },
    }


def _is_unwell(cell: Cell) -> bool:
    return cell.level in {ShownLevel.BAD, ShownLevel.WARN}
