"""`rdo promotion vote`, `run`, `status` and `promote`: the promoter on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from rdo.cli.main import run
from tests.conftest import GitRepository
from tests.e2e.repositories.test_repo import rdo
from tests.e2e.trunk.test_trunk_loop import site
from tests.rpms import make_rpms

__all__ = ["rdo", "site"]  # the fixtures

CRITERIA = """
[targets.one-deb12.promotions.tested]
candidate = "current"
jobs = ["weirdo", "tempest"]
alternatives = { tempest = ["tempest-internal"] }
checks = []
"""
PROMOTER = """\
release: one
api_url: https://trunk.example.test/api
promotions:
  tested:
    candidate_label: current
    criteria: [weirdo, tempest]
    alternative_criteria: {tempest: [tempest-internal]}
"""


def add(site: Path, text: str) -> None:
    with (site / "rdo.toml").open("a") as file:
        file.write(text)


def test_jobs_vote_and_the_promoter_moves_the_name(
    site: Path, rdo: Any, upstream: GitRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    add(site, CRITERIA)
    assert rdo("trunk", "run")[0] == 0
    vote = ("promotion", "vote", "current")

    began = rdo(*vote, "--job", "weirdo", "--in-progress")
    _, early = rdo("promotion", "run")
    rdo(*vote, "--job", "weirdo", "--success", "--url", "https://ci.example.test/1")
    refused, why = rdo("promotion", "promote", "tested", "current", "--because", "now")
    rdo(*vote, "--job", "tempest-internal", "--success", "--notes", "slow")
    _, votes = rdo("promotion", "votes", "current")
    _, planned = rdo("promotion", "run", "--dry-run")
    nowhere, _ = rdo("promotion", "history", "tested")
    code, [done] = rdo("promotion", "run", "tested")
    _, [again] = rdo("promotion", "run")
    _, [move] = rdo("promotion", "history", "tested")
    _, [state] = rdo("promotion", "status")

    assert (began[0], began[1]["verdict"]) == (0, "in-progress")
    assert [one["state"] for one in early[0]["candidates"][0]["conditions"]] == [
        "running",
        "missing",
    ]
    assert refused == 5
    assert "does not meet its criteria" in why
    assert "tempest: has not voted" in why
    jobs = [(one["job"], one["verdict"], one["notes"]) for one in votes]
    assert ("tempest-internal", "success", "slow") in jobs
    assert (planned[0]["chosen"], planned[0]["moved"], nowhere) == (done["chosen"], [], 4)
    assert (code, done["moved"]) == (0, [done["chosen"]])
    assert again["chosen"] is None
    assert move["by"] == "criteria"
    assert "tempest: success of tempest-internal" in move["why"]
    assert (state["leads"], state["by"]) == ([done["chosen"]], "criteria")

    upstream.commit("another")
    for old in (site / "shelf").glob("*.rpm"):
        old.unlink()
    make_rpms(site / "shelf", "python-foo", version="2.0")
    assert rdo("trunk", "run")[0] == 0
    anyway = ("promotion", "promote", "tested", "current", "--because", "urgent", "--unchecked")
    assert rdo(*anyway)[0] == 0
    assert rdo("promotion", "history", "tested")[1][0]["why"] == "unchecked: urgent"
    assert rdo("trunk", "verify")[0] == 0

    assert run(["-C", str(site), "promotion", "status", "tested"]) == 0
    assert "tested -> " in capsys.readouterr().out
    assert run(["-C", str(site), "promotion", "votes"]) == 0
    assert "https://ci.example.test/1" in capsys.readouterr().out


def test_the_files_of_todays_promoter_scripts_are_read(
    site: Path, rdo: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = site / "promoter.yaml"
    file.write_text(PROMOTER)
    assert rdo("trunk", "run")[0] == 0
    for job in ("weirdo", "tempest-internal"):
        rdo("promotion", "vote", "current", "--job", job, "--success")

    _, [one] = rdo("promotion", "run", "--config", str(file))
    capsys.readouterr()
    assert run(["-C", str(site), "promotion", "import", str(file)]) == 0
    add(site, "\n" + capsys.readouterr().out)
    _, [two] = rdo("promotion", "run")
    _, shown = rdo("config", "show")

    assert one["moved"] == [one["chosen"]]
    assert (two["name"], two["chosen"]) == ("tested", None)
    assert json.dumps(shown).count("tempest-internal") == 1


@pytest.mark.parametrize(
    ("criteria", "command", "code", "told"),
    [
        ("", "vote current --job a", 2, "--success, --failure or --in-progress"),
        ("", "vote nowhere --job a --success", 4, "has no repository nowhere"),
        ("", "vote ../../x --job a --success", 4, "has no repository ../../x"),
        ("", "vote current --job consistent --success", 5, "cast by rdo itself"),
        ("", "run tested", 4, "tested has no criteria"),
        ("", "promote tested", 4, "tested has no criteria"),
        ("", "promote tested current", 2, "--because WHY"),
        ("", "promote tested --unchecked", 2, "--unchecked needs a REPOSITORY"),
        ("", "status tested", 4, "no promotion name tested"),
        ("", "run --config nothing.yaml", 2, "nothing.yaml: "),
        (CRITERIA.replace("checks = []", 'checks = ["smoke"]'), "run", 2, "no check smoke"),
        (CRITERIA.replace("{ tempest", "{ temper"), "run", 2, "temper has alternatives, but"),
        (CRITERIA.replace('"current"', '""'), "run", 2, "candidate must match"),
        (CRITERIA.replace('"current"', '"../x"'), "run", 2, "candidate must match"),
        (CRITERIA.replace('"current"', '"tested"'), "run", 2, "comes from tested itself"),
        (CRITERIA.replace(".tested", ".pool"), "run", 2, "'pool' cannot be a promotion name"),
        (CRITERIA.replace(".tested", '."../up"'), "run", 2, "must match pattern"),
        (CRITERIA.replace("jobs", "job"), "run", 2, "targets.one-deb12.promotions.tested.job"),
    ],
)
def test_bad_input_is_one_clear_error(
    rdo: Any, site: Path, criteria: str, command: str, code: int, told: str
) -> None:
    assert rdo("trunk", "run")[0] == 0
    add(site, criteria)

    got, error = rdo("promotion", *command.split())

    assert (got, told in str(error)) == (code, True), error
    assert "Traceback" not in str(error)
    assert not (site / "data/one-deb12/repos/tested").exists()
