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
    dashboard,
    first_publication,
    maintainer,
    metadata,
    pages,
    promotion,
    repodata,
)
from benchmarks.publishing import measure


def main() -> None:
    results: dict[str, object] = {
        "first, idle and next round, prebuilt packages": asdict(first_publication.measure(500)),
        "repodata of 1,000 packages": asdict(repodata.measure(1000)),
        "repodata of 5,000 packages": asdict(repodata.measure(5000)),
        "check of a repository of 2,000 packages": asdict(checking.measure(2000)),
        "promotion among 10,000 repositories": asdict(promotion.measure(2000, 10_000)),
        "publish one commit": [asdict(measure(500, 0)), asdict(measure(500, 50_000))],
        "pages of 5,000 builds": asdict(pages.measure(250, 5000)),
        "pages of a server, 100,000 commits": {
            page: asdict(times) for page, times in dashboard.measure().items()
        },
        "metadata and start-up": asdict(metadata.measure_synthetic()),
        "verbs of rdo pkg": [asdict(row) for row in maintainer.measure_verbs()],
        "rdopkg --help": maintainer.measure_help(),
    }
    if os.geteuid() == 0:
        results["build overhead"] = asdict(build_overhead.measure())
    json.dump(results, sys.stdout, indent=2)
    sys.stdout.write("\n")


main()
