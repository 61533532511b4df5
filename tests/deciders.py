"""The pure deciders, and how much of each the unit tests reach: `make coverage`.

A decider turns values into a decision and touches nothing else, so that a table can hold its
rules. A new one is added here, with its table in tests/unit.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST = 95.0
SOURCE = "src/rdo/"
DECIDERS: dict[str, tuple[str, ...]] = {
    "builders/command_results.py": (),
    "builders/failure.py": (),
    "builders/in_process.py": (),
    "builders/log_tables.py": (),
    "builders/verdict.py": (),
    "config/loading.py": (),
    "config/projects_ini.py": (),
    "config/settings.py": (),
    "distgit/patches/patches_branch.py": ("choose",),
    "distgit/patches/rebase.py": ("had_already", "judge", "_pop_rebased", "as_text", "_counts"),
    "distgit/requirements/autosync.py": (),
    "distgit/requirements/availability.py": ("judge", "_is_below"),
    "distgit/requirements/reqcheck.py": (
        *("check", "_compare", "_spaced", "_same", "of_group", "as_text", "as_json", "keys_of"),
        *("is_generated", "Overrides.read", "Overrides.of", "Checked.__str__"),
    ),
    "distgit/update/newest.py": ("newest", "pypi_project", "_version"),
    "distgit/verb/journal.py": ("JournalEntry.is_change",),
    "distgit/verb/rehearsal.py": ("Effect.__str__",),
    "distgit/verb/revert.py": (
        *("fate", "moved_again", "Revert.parse", "Revert.__str__", "Revert.require_safe"),
        "Revert.summary",
    ),
    "distgit/verb/snapshot.py": (
        *("index_info", "_index_row", "ref_moves", "RefMove.command", "staged_rows"),
    ),
    "distgit/verb/touched.py": (),
    "dlrn/versions.py": (),
    "model/audiences.py": (),
    "notify/links.py": (),
    "promotion/deciding/criteria.py": (),
    "promotion/deciding/promoter_file.py": (),
    "publish/backwards.py": (),
    "publish/consistent.py": (),
    "publish/upkeep/retention.py": (
        *("plan_purge", "_plan", "_needed", "_held", "_builds", "_rpms", "_snapshots"),
        *("_in_recipes", "_aggregates", "_bootstrap", "Purge.others", "Purge.is_empty"),
    ),
    "spec/changelog.py": (),
    "spec/release.py": (),
    "tools/children/solving/fewest_held.py": (),
    "trunk/admission.py": (),
    "trunk/care/steering.py": (
        *("parse_since", "all_failed", "recheck", "_recheck", "cancel", "is_ending", "_held"),
    ),
    "trunk/order/bridge_requests.py": (),
    "trunk/order/cycles.py": (),
    "trunk/order/providers.py": (),
    "trunk/order/queue.py": (),
    "trunk/order/retry.py": (),
    "trunk/order/revive.py": (),
    "trunk/order/standing.py": (),
    "trunk/plan.py": (),
    "trunk/rounds.py": ("exit_code",),
    "trunk/sources/branches.py": (),
    "trunk/sources/selection.py": (
        *("select", "_is_at_head", "_upstream_commits", "_why_not", "_commit", "_with_distgit"),
        *("_with_extended_hash", "CommitSelection.is_head"),
    ),
    "trunk/sources/upstreams.py": (),
    "trunk/telling/after_round.py": (),
    "trunk/telling/events.py": (),
    "trunk/try_change.py": ("ScratchResult.exit_code",),
    "trunk/views/dependents.py": (),
    "trunk/views/queue.py": (),
    "trunk/views/report.py": (),
    "trunk/views/state.py": (),
    "trunk/views/status.py": (),
    "trunk/views/why.py": (),
    "trunk/views/why_bridged.py": (),
}
"""By module; without names all of it."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The lines and branches of one decider, and how many of them the tests ran."""

    module: str
    taken: int
    of: int
    missing: tuple[str, ...]

    @property
    def percent(self) -> float:
        return 100.0 * self.taken / self.of if self.of else 100.0

    def __str__(self) -> str:
        missing = f"  {', '.join(self.missing)}" if self.missing else ""
        return f"{self.percent:6.1f} %  {self.module}{missing}"


def reached(report: dict[str, Any]) -> Iterator[Reached]:
    """Read the report of `coverage json` for each decider.

    A KeyError says that a module or a function of the list is not there.
    """
    for module, names in DECIDERS.items():
        file = report["files"][f"{SOURCE}{module}"]
        parts = [file["functions"][name] for name in names] if names else [file]
        taken = of = 0
        missing: list[str] = []
        for part in parts:
            counts = part["summary"]
            taken += counts["covered_lines"] + counts["covered_branches"]
            of += counts["num_statements"] + counts["num_branches"]
            missing += [str(line) for line in part["missing_lines"]]
            missing += [f"{start}->{end}" for start, end in part["missing_branches"]]
        yield Reached(module, taken, of, tuple(missing))


def main(report: Path) -> int:
    found = list(reached(json.loads(report.read_text())))
    print(*found, sep="\n")  # noqa: T201 - its output
    return int(any(one.percent < LEAST for one in found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
