"""Measure and print what is owed, as JSON.

Needs no network, but for the build overhead, which is left out without root rights.
"""

import json
import os
import sys
from dataclasses import asdict

from benchmarks import (
    build_overhead,
    checking,
    containing,
    contracts,
    dashboard,
    file_conflicts,
    first_publication,
    handing_out,
    installing,
    maintainer,
    metadata,
    pages,
    promotion,
    repodata,
    updating,
    votes,
)
from benchmarks.publishing import measure


def main() -> None:
    results: dict[str, object] = {
        "first, idle and next round, prebuilt packages": asdict(first_publication.measure(500)),
        "repodata of 1,000 packages": asdict(repodata.measure(1000)),
        "repodata of 5,000 packages": asdict(repodata.measure(5000)),
        "where a commit is beside 50,000 builds": asdict(containing.measure()),
        "contracts of a candidate of 2,000 packages": asdict(contracts.measure(2000)),
        "check of a repository of 2,000 packages": asdict(checking.measure(2000)),
        "files of a repository of 2,000 packages": asdict(file_conflicts.measure(2000, 200)),
        "a million votes on 100,000 commits": asdict(votes.measure(100_000, 1_000_000)),
        "promotion among 10,000 repositories": asdict(promotion.measure(2000, 10_000)),
        "publish one commit": [asdict(measure(500, 0)), asdict(measure(500, 50_000))],
        "handing out 5,000 packages": asdict(handing_out.measure(5000, 10_000)),
        "push an update beside 5,000 packages": asdict(updating.measure(5000)),
        "pages of 5,000 builds": asdict(pages.measure(250, 5000)),
        "pages of a server, 100,000 commits": {
            page: asdict(times) for page, times in dashboard.measure().items()
        },
        "metadata and start-up": asdict(metadata.measure_synthetic()),
        "verbs of rdo pkg": [asdict(row) for row in maintainer.measure_verbs()],
        "rdopkg --help": maintainer.measure_help(),
    }
    if os.geteuid() == 0:
        results["install 500 RPMs and look at them"] = asdict(installing.measure(500))
        results["build overhead"] = asdict(build_overhead.measure())
    json.dump(results, sys.stdout, indent=2)
    sys.stdout.write("\n")


main()
