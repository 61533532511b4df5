"""Measure and print what is owed, as JSON. Needs no network."""

import json
import sys
from dataclasses import asdict

from benchmarks import maintainer, metadata
from benchmarks.publishing import measure


def main() -> None:
    results = {
        "publish one commit": [asdict(measure(500, 0)), asdict(measure(500, 50_000))],
        "metadata and start-up": asdict(metadata.measure_synthetic()),
        "verbs of rdo pkg": [asdict(row) for row in maintainer.measure_verbs()],
        "rdopkg --help": maintainer.measure_help(),
    }
    json.dump(results, sys.stdout, indent=2)
    sys.stdout.write("\n")


main()
