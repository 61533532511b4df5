import shutil
import subprocess
from pathlib import Path

import pytest

from rdo.model.text.spec_text import in_description, in_spec

HOSTILE = [
    "Use %(touch {mark}) and %{{name}} and 100% of it",
    "Keep %%prep as it is",
    "Replace %define by %global in macros",
    "%{{lua:posix.exec('touch', '{mark}')}}",
    "a backslash \\%(touch {mark}",
    "two \\\\%{{name}} and an end \\",
    "%[1+1] %! %",
    "a line\n%install\ntouch {mark}",
    "another\r%prep\x0b%files\x0c%post\x85%pre\u2028%build",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_rpm_reads_each_text_as_it_is_and_runs_nothing(tmp_path: Path, text: str) -> None:
    if not shutil.which("rpmspec"):
        pytest.skip("needs rpmspec")
    mark = tmp_path / "mark"
    text = text.format(mark=mark)
    spec = tmp_path / "x.spec"
    line = in_spec(text)
    spec.write_text(
        f"Name: x\nVersion: 1\nRelease: 1\nSummary: {line}\nLicense: x\n# {line}\n"
        f"%description\nx\n%files\n%changelog\n"
        f"* Mon Jan 05 2026 {line} <a@b> 1-1\n- {line}\n- last\n"
    )
    command = ["rpmspec", "-q", "--srpm", "--qf", "%{SUMMARY}\n--\n[%{CHANGELOGTEXT}]", str(spec)]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert not mark.exists()
    shown = "".join(one if one.isprintable() else " " for one in text)
    summary, _, change = said.removesuffix("\n- last").partition("\n--\n- ")
    for found in (summary, change):
        assert found.strip() == shown.strip()
    assert said.endswith("\n- last")


def test_no_line_of_a_description_is_obeyed(tmp_path: Path) -> None:
    if not shutil.which("rpmspec"):
        pytest.skip("needs rpmspec")
    secret = tmp_path / "secret"
    secret.write_text("password\n")
    spec = tmp_path / "x.spec"
    lines = in_description(f"%include {secret} and {'x' * 77} %include {secret}")
    head = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\n%description"
    spec.write_text("\n".join([head, *lines, ""]))
    command = ["rpmspec", "-q", "--srpm", "--qf", "%{DESCRIPTION}", str(spec)]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "password" not in said
    assert " %include " in said
