"""Read the answers for a cloud: from a file, from options, and from generated secrets."""

import os
from collections.abc import Mapping
from pathlib import Path

from rdo.deploy.answer_file import MAX_BYTES, AnswerFile, AnswersError, read_answers
from rdo.deploy.answers import Answers, check_options, decide
from rdo.deploy.kept_secrets import KeptSecrets
from rdo.deploy.keys import KeyTable
from rdo.deploy.machine import ThisMachine
from rdo.errors import NotFoundError, RefusedError


def load_answers(
    table: KeyTable,
    machine: ThisMachine,
    *,
    file: Path | None = None,
    options: Mapping[str, str] | None = None,
    state: Path | None = None,
    make_secrets: bool = False,
) -> Answers:
    """Read, combine and check the answers for a cloud; the file is never changed.

    `state` is the folder of the cloud; by default it is named after the controller. Missing secrets
    are generated only with `make_secrets`. Raises NotFoundError if there is no file, RefusedError
    if it cannot be an answer file, AnswersError with all faults, ConfigError for an unknown key.
    """
    options = options or {}
    check_options(table, options)
    given = read_answers(_content(file), table) if file else AnswerFile()
    answers = decide(table, given, options, machine, {})
    if answers.faults:
        raise AnswersError(str(file or "answers"), list(answers.faults))
    kept = KeptSecrets(state or state_folder(answers["CONFIG_CONTROLLER_HOST"]))
    made = kept.make(answers.not_made) if make_secrets else kept.read()
    return decide(table, given, options, machine, made)


def state_folder(controller: str) -> Path:
    """Return the folder of the cloud with this controller, in the user's state folder."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(home, "rdo/clouds", controller)


def _content(file: Path) -> bytes:
    """Return the content of an answer file, cut off a little above the largest allowed size."""
    if not file.exists():
        raise NotFoundError(f"there is no answer file {file}")
    if not file.is_file():
        raise RefusedError(f"{file} is not a file")
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)
