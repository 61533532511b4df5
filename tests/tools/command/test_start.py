import subprocess
import sys

HEAVY = ("pydantic", "rich", "sqlalchemy", "yaml", "rpm", "solv", "createrepo_c")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rdo.cli.main import run; run(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == "[]\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m rdo --help | head -n 1"

    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
