"""Messages about hosts that cannot be reached, and about steps that fail."""

import pytest

from rdo.deploy.install.engine import failure, unreachable
from rdo.deploy.install.planning import PlannedStep
from rdo.errors import OutsideError, RefusedError

STEP = PlannedStep(3, "10.0.0.5", "glance", "Glance")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Authentication error (username=root): x", "ssh-copy-id"),
        ("SSH error: Server '10.0.0.5' not found in known_hosts", "--accept-new-host-keys"),
        ("SSH host key error: Host key for 10.0.0.5 does not match.", "ssh-keygen -R 10.0.0.5"),
        ("Could not connect: timed out", "ping, ssh"),
    ],
)
def test_each_way_not_to_get_in_has_its_remedy(said: str, hint: str) -> None:
    error = unreachable("10.0.0.5", said)

    assert str(error) == f"10.0.0.5 cannot be reached: {said}"
    assert hint in error.hint


def test_a_failed_step_names_host_step_and_remedy() -> None:
    error = failure(STEP, "the disk is full", "free some space")

    assert type(error) is RefusedError
    assert (str(error), error.hint) == ("10.0.0.5: Glance: the disk is full", "free some space")


def test_a_host_that_went_away_is_an_outside_problem() -> None:
    error = failure(STEP, "stopped answering: EOFError", "")

    assert type(error) is OutsideError
    assert "apply again" in error.hint
