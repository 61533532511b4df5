"""Each of fedpkg's verbs and flags works, or says why it is not supported."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rdo.cli.pkg.fedpkg import program
from rdo.cli.pkg.fedpkg.verbs import NOT_HERE, REFUSED

FACTS = Path(__file__).with_name("fedpkg_flags.txt")


def flags() -> Iterator[tuple[str, str]]:
    """Each verb and flag of the newest fedpkg; "" is the flags before the verb."""
    verb = ""
    for line in FACTS.read_text().partition("== fedpkg")[2].splitlines()[1:]:
        if line.startswith("### "):
            verb = line[4:]
            yield verb, ""
        elif line.startswith("   -"):
            yield from ((verb, flag) for flag in line.split()[0].split("|"))


def command(verb: str) -> click.Command:
    context = click.Context(program.fedpkg)
    found = program.fedpkg.get_command(context, verb) if verb else program.fedpkg
    assert found is not None, verb
    return found


@pytest.mark.parametrize("verb", sorted({verb for verb, _ in flags()} - {"help"}))
def test_every_flag_of_a_verb_is_known(verb: str) -> None:
    if verb in NOT_HERE:
        return
    own = {"-h", "--help", *REFUSED.get(verb, ())}
    own |= {
        one for option in command(verb).params for one in (*option.opts, *option.secondary_opts)
    }

    wanted = {flag for one, flag in flags() if one == verb and flag}

    assert wanted - own == set()


def test_no_flag_is_refused_that_the_verb_has() -> None:
    for verb, refused in REFUSED.items():
        own = {one for option in command(verb).params for one in option.opts}
        assert not own & set(refused), verb


def test_enough_flags_were_found() -> None:
    assert len(list(flags())) > 200


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["srpm", "--md5"], "Could not execute srpm: --md5 is not supported: "),
        (["module-build"], "Could not execute module_build: module-build is not supported: "),
        (["--password", "x", "verrel"], "Could not execute verrel: --password is not supported: "),
        (["--path", ".", "--dry-run", "verrel"], "Could not execute verrel: --dry-run"),
        (["-C", "absent.conf", "verrel"], "Could not execute verrel: there is no file absent.conf"),
    ],
)
def test_what_is_not_here(args: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(args) == 1
    assert capsys.readouterr().err.startswith(said)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.run(["help"]) == 0
    assert "switch-branch" in capsys.readouterr().out
