"""Measure and print what is owed, as JSON. Needs no network."""

import json
import sys
from dataclasses import asdict

from benchmarks import first_publication, maintainer, metadata, repodata
from benchmarks.publishing import measure


def main() -> None:
    results = {
        "first, idle and next round, prebuilt packages": asdict(first_publication.measure(500)),
        "repodata of 1,000 packages": asdict(repodata.measure(1000)),
        "publish one commit": [asdict(measure(500, 0)), asdict(measure(500, 50_000))],
        "metadata and start-up": asdict(metadata.measure_synthetic()),
        "verbs of rdo pkg": [asdict(row) for row in maintainer.measure_verbs()],
        "rdopkg --help": maintainer.measure_help(),
    }
    json.dump(results, sys.stdout, indent=2)
    sys.stdout.write("\n")


main()
