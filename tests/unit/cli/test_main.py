import errno
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rdo import log_context
from rdo.cli import main
from rdo.cli.log_lines import configure_logging
from rdo.errors import CommandError, RefusedError


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.getLogger("rdo").level
    yield
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    root.handlers[:], level, rdo_level = before
    root.setLevel(level)
    logging.getLogger("rdo").setLevel(rdo_level)


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `fail` that raises what is put into the list."""
    errors: list[BaseException] = []

    @click.command("fail")
    @click.option("--json", is_flag=True, expose_value=False)
    def fail() -> None:
        raise errors[0]

    monkeypatch.setitem(main.cli.commands, "fail", fail)
    return errors


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0

    out = capsys.readouterr().out
    for name, lazy in main.COMMANDS.items():
        assert f"{name} " in out
        assert lazy.help in out
    assert "6  only external problems are left" in out


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_loads_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([name, "--help"]) == 0

    assert f"rdo {name}" in capsys.readouterr().out.splitlines()[0]


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["confg"]) == 2

    assert 'did you mean "config"?' in capsys.readouterr().err


def test_set_without_a_value_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--set", "data", "config", "show"]) == 2

    assert "'data' is not KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (CommandError("git: exit status 1"), 3, "rdo: error: git: exit status 1\n"),
        (RefusedError("no", hint="ask"), 5, "rdo: error: no\n  ask\n"),
        (KeyboardInterrupt(), 130, "rdo: error: interrupted\n"),
    ],
)
def test_what_a_user_can_meet_has_no_traceback(
    raising: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    raising.append(error)

    assert main.run(["fail"]) == code

    assert capsys.readouterr().err.lstrip("\n") == said  # click ends the line of a ^C


def test_a_bug_keeps_its_traceback(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(KeyError("x"))

    assert main.run(["fail"]) == 70

    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "KeyError: 'x'" in err


def test_a_log_line_names_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    log = logging.getLogger("rdo.trunk")

    with log_context.about("python-pbr@1a2b3c4"):
        log.info("built in %d s", 3)
        log.debug("not shown")
        log.warning("odd")
    logging.getLogger("alembic").info("not shown")

    assert capsys.readouterr().err == (
        "python-pbr@1a2b3c4: built in 3 s\npython-pbr@1a2b3c4: warning: odd\n"
    )


def test_verbose_says_what_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(verbose=True)

    logging.getLogger("rdo.run").debug("run: git")

    assert capsys.readouterr().err == "run: git\n"


def test_config_show_says_value_and_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rdo.toml").write_text('database = "sqlite:////x"\n')

    code = main.run(["-C", str(tmp_path), "--set", "base-url=http://h", "config", "show"])

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert ["database", "sqlite:////x", f"{tmp_path}/rdo.toml:1"] in rows
    assert ["base-url", "http://h", "--set", "base-url"] in rows


@pytest.mark.parametrize("error", [RefusedError("a\x1b[31mb"), ValueError("a\x1b[31mb\x9b1m")])
def test_errors_and_tracebacks_hold_no_control_characters(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    raising.append(error)

    main.run(["--debug", "fail"])

    said = capsys.readouterr().err
    assert "a\ufffd[31mb" in said
    assert "\x1b" not in said
    assert "\x9b" not in said


def test_log_lines_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()

    with log_context.about("na\x1b]0;t\x07me"):
        logging.getLogger("rdo").warning("failed: %s", "x\x1b[2Jy\r\u202ez\nnext")

    said = capsys.readouterr().err
    assert said == "na\ufffd]0;t\ufffdme: warning: failed: x\ufffd[2Jy\ufffd\ufffdz\nnext\n"


def test_log_lines_hold_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(debug=True)

    logging.getLogger("rdo").debug("run: git fetch %s", "https://bot:TOKEN@h/x")
    logging.getLogger("httpx").info("HTTP Request: POST https://chat.test/services/TOKEN")

    day, moment, said = capsys.readouterr().err.split(" ", 2)
    assert said == "run: git fetch https://h/x\n"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", f"{day} {moment}")


def test_a_usage_error_speaks_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["trunk", "hold", "python-a"]) == 2

    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("rdo: error: ")
    assert "--because" in said[0]
    assert said[1] == "  rdo trunk hold --help shows how to use it"


def test_a_log_file_that_is_not_there_is_said_to_be_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.run(["trunk", "log", "./missing.log", "--cause"]) == 4

    assert "there is no file ./missing.log" in capsys.readouterr().err


def test_config_show_leaves_the_defaults_to_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rdo.toml").write_text('[targets.a]\nrelease = "x"\nplatform = "y"\n')
    command = ["-C", str(tmp_path), "config", "show"]

    assert main.run(command) == 0
    short = capsys.readouterr().out
    assert main.run([*command, "--all"]) == 0
    whole = capsys.readouterr().out

    assert "targets.a.release" in short
    assert "targets.a.workers" not in short
    assert "targets.a.workers" in whole
    assert '["^master$", "^rpm-master$"]' in whole


def test_an_error_is_one_line_of_json_for_programs(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(RefusedError("one\ntwo\x1b", hint="ask"))

    assert main.run(["fail", "--json"]) == 5

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "\x1b" not in err
    assert json.loads(err) == {"error": "one\ntwo\x1b", "hint": "ask", "exit_code": 5}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyError("x"), 70),
        (KeyboardInterrupt(), 130),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 6),
        (click.UsageError("so not"), 2),
        (click.ClickException("no"), 2),
    ],
)
def test_the_last_line_of_any_error_is_json_for_programs(
    raising: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    raising.append(error)

    assert main.run(["fail", "--json"]) == code

    assert json.loads(capsys.readouterr().err.splitlines()[-1])["exit_code"] == code


@pytest.mark.parametrize("args", [["trunk", "nope", "--json"], ["--json"], ["why", "--json"]])
def test_a_wrong_command_line_is_reported_in_json_too(
    capsys: pytest.CaptureFixture[str], args: list[str]
) -> None:
    assert main.run(args) == 2

    assert json.loads(capsys.readouterr().err)["exit_code"] == 2
