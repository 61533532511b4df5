"""Files of RDO's promoter scripts, and what they decide in the promoter's scenarios."""

import tomllib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.config.settings import PromotionSection
from rdo.errors import ConfigError
from rdo.model.vote import JobVerdict
from rdo.promotion.deciding.configured import criteria_from
from rdo.promotion.deciding.criteria import Criteria, judge_jobs, unmet
from rdo.promotion.deciding.promoter_file import as_toml, read_promoter_file
from rdo.store.given.votes import Ballot, Vote
from tests.publishing import START

RELEASE = """\
---
release: dalmatian
api_url: https://trunk.example.test/api-el9-dalmatian
distro_name: el
distro_version: 9
dlrn_api_port: ""
latest_hashes_count: '30'
manifest_push: false
promotions:
  current-cloud:
    candidate_label: cloud-ci-testing
    criteria:
      # jobs
      - periodic-cloud-1
      - periodic-cloud-2
    alternative_criteria:
      periodic-cloud-1:
        - periodic-cloud-1-internal
        - periodic-cloud-1-second
  current-cloud-rdo:
    candidate_label: current-cloud
    criteria:
      - weirdo-packstack-scenario001
"""
COMPONENTS = """\
distro_name: el
release: dalmatian
promote_from:
  promoted-components: component-ci-testing
promoted-components:
  network:
    - periodic-network
  compute:
    - periodic-compute
    - periodic-compute-2
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "promoter.yaml"
    path.write_text(text)
    return path


def test_the_promotions_of_a_release_are_read(tmp_path: Path) -> None:
    assert read_promoter_file(write(tmp_path, RELEASE)) == {
        "current-cloud": Criteria(
            "current-cloud",
            "cloud-ci-testing",
            ("periodic-cloud-1", "periodic-cloud-2"),
            {"periodic-cloud-1": ("periodic-cloud-1-internal", "periodic-cloud-1-second")},
            any_success=True,
            most=30,
        ),
        "current-cloud-rdo": Criteria(
            "current-cloud-rdo",
            "current-cloud",
            ("weirdo-packstack-scenario001",),
            any_success=True,
            most=30,
        ),
    }


def test_the_jobs_of_components_are_read(tmp_path: Path) -> None:
    assert read_promoter_file(write(tmp_path, COMPONENTS)) == {
        "promoted-components": Criteria(
            "promoted-components",
            "component-ci-testing",
            each=True,
            component_jobs={
                "network": ("periodic-network",),
                "compute": ("periodic-compute", "periodic-compute-2"),
            },
            any_success=True,
        )
    }


@pytest.mark.parametrize("text", [RELEASE, COMPONENTS])
def test_a_file_becomes_sections_of_rdo_toml_with_the_same_meaning(
    tmp_path: Path, text: str
) -> None:
    found = read_promoter_file(write(tmp_path, text))

    sections = tomllib.loads(as_toml("dalmatian-el9", found))["targets"]["dalmatian-el9"]
    again = {
        name: criteria_from(name, PromotionSection.model_validate(section))
        for name, section in sections["promotions"].items()
    }

    assert again == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not a file of the promoter"),
        ("[1, 2]", "is not a file of the promoter"),
        ("a: [", r":1: not YAML|:2: not YAML"),
        ("release: x", 'it has neither "promotions" nor "promote_from"'),
        ("promotions: 7", "promotions is not a mapping"),
        ("promotions: {a: 7}", "promotions.a is not a promotion name with its criteria"),
        ("promotions: {a: {criteria: [x]}}", "promotions.a has no candidate_label"),
        ("promotions: {a: {candidate_label: b}}", "promotions.a.criteria is not a list of jobs"),
        (
            "promotions: {a: {candidate_label: b, criteria: [x], criterai: [y]}}",
            'unknown key "criterai"; did you mean "criteria"',
        ),
        (
            "promotions: {a: {candidate_label: b, criteria: [7]}}",
            "promotions.a.criteria is not a list of jobs",
        ),
        (
            "promotions: {a: {candidate_label: b, criteria: [x], alternative_criteria: [y]}}",
            "alternative_criteria is not a mapping",
        ),
        ("promotions: {a: {candidate_label: b, criteria: [x]}}\npromotions: {}", "is there twice"),
        ("latest_hashes_count: many\npromotions: {}", "latest_hashes_count is not a number"),
        ("latest_hashes_count: 0\npromotions: {}", "latest_hashes_count is not a number"),
        ("latest_hashes_count: true\npromotions: {}", "latest_hashes_count is not a number"),
        ("promoted-components: {a: [x]}", "promoted-components has no candidate in promote_from"),
        ("promote_from: {p: c}", "p of promote_from has no components with jobs"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_a_file_that_is_wrong_is_one_clear_error(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_promoter_file(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_promoter_file(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="larger than"):
        read_promoter_file(write(tmp_path, "#" * 1_000_001))


def promoted(criteria: Criteria, candidates: Sequence[dict[str, str]]) -> int | None:
    """Which candidate is promoted, the newest first; a job has `S`uccess and `F`ailure in order."""
    letters = {"S": JobVerdict.SUCCESS, "F": JobVerdict.FAILURE, "P": JobVerdict.IN_PROGRESS}
    for number, said in enumerate(candidates):
        cast = [
            Vote(place, Ballot(1), None, job, letters[letter], START + timedelta(place), START)
            for job, verdicts in said.items()
            for place, letter in enumerate(verdicts, 1)
        ]
        if not unmet(judge_jobs(criteria, cast)):
            return number
    return None


ONE, TWO, INTERNAL = "periodic-cloud-1", "periodic-cloud-2", "periodic-cloud-1-internal"
SCENARIOS: dict[str, tuple[list[dict[str, str]], int | None]] = {
    "all jobs succeeded": ([{ONE: "S", TWO: "S"}], 0),
    "more jobs than are asked for": ([{ONE: "S", TWO: "S", "other": "F"}], 0),
    "no job voted": ([{}], None),
    "one job is missing": ([{ONE: "S"}], None),
    "one job failed": ([{ONE: "S", TWO: "F"}], None),
    "one job has only begun": ([{ONE: "S", TWO: "P"}], None),
    "it failed before it succeeded": ([{ONE: "FS", TWO: "S"}], 0),
    "it succeeded before it failed": ([{ONE: "SF", TWO: "S"}], 0),
    "an alternative succeeded": ([{ONE: "F", INTERNAL: "S", TWO: "S"}], 0),
    "an alternative of a missing job": ([{INTERNAL: "S", TWO: "S"}], 0),
    "the second alternative": ([{"periodic-cloud-1-second": "S", TWO: "S"}], 0),
    "an alternative failed, too": ([{ONE: "F", INTERNAL: "F", TWO: "S"}], None),
    "the newest that passes": ([{ONE: "S"}, {ONE: "S", TWO: "S"}, {ONE: "S", TWO: "S"}], 1),
    "no candidate": ([], None),
    # there, the alternative of the first candidate was demanded of the second
    "an alternative of another candidate": ([{INTERNAL: "S"}, {ONE: "S", TWO: "S"}], 1),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_promoters_scenarios_have_the_same_decision(tmp_path: Path, scenario: str) -> None:
    criteria = read_promoter_file(write(tmp_path, RELEASE))["current-cloud"]
    candidates, chosen = SCENARIOS[scenario]

    assert promoted(criteria, candidates) == chosen
