"""The examples of docs/how-to/sigs.md, with packages of the names that it says."""

import re
from pathlib import Path
from typing import Any

import pytest

from rdo.app import App
from rdo.cli.main import run
from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import find
from rdo.promotion.contracts.of_target import TargetSides
from tests.publishing import Factory, open_target
from tests.tools.promotion.test_contracts import SONAME, Sigs
from tests.tools.promotion.test_dependencies import FIRST, SECOND, TOML, snapshot
from tests.unit.docs.pages import DOCS

PAGE = (DOCS / "how-to/sigs.md").read_text()
BLOCKS: list[str] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block(beginning: str) -> str:
    """The example that begins so."""
    return next(one for one in BLOCKS if beginning in one)


def test_the_break_of_virtualization_is_printed_as_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sigs = Sigs(tmp_path, tmp_path / "shelf")
    for name in ("cloud", "virtualization", "storage"):
        text = re.sub(r"https://\S+/(SIGs/10/)?(\w+)/x86_64/(os/)?", r"\2", block(f'"{name}"'))
        (tmp_path / f"{name}.toml").write_text(text)
    sigs.publish("BaseOS", {"name": "glibc", "version": "2"})
    libvirt: list[dict[str, Any]] = [
        {"name": "libvirt-daemon", "version": "10.1"},
        {"name": "qemu-kvm", "version": "9", "requires": ["librbd1 >= 2:18"]},
    ]
    sigs.publish("virt", *libvirt, {"name": "libvirt-libs", "version": "10", "provides": [SONAME]})
    sigs.publish(
        "storage",
        {"name": "ceph-common", "version": "18", "epoch": ["2"]},
        {"name": "librbd1", "version": "18", "epoch": ["2"], "provides": ["librbd.so.1()(64bit)"]},
    )
    sigs.publish(
        "cloud",
        {"name": "nova-compute", "version": "30", "requires": ["python3-libvirt"]},
        {"name": "nova-migration", "version": "30", "requires": ["python3-libvirt", "ceph-common"]},
        {"name": "python3-libvirt", "version": "10", "requires": [SONAME]},
    )
    sigs.publish("next", *libvirt)
    monkeypatch.chdir(tmp_path)
    files = ["virtualization.toml", "cloud.toml", "storage.toml"]
    check = ["promotion", "contract", "check", *files]
    assert run(check) == 0
    capsys.readouterr()

    code = run([*check, "--candidate", "virtualization=next"])

    said = capsys.readouterr().out
    shown = PAGE[PAGE.index("broken: virtualization promises") :].partition("```")[0]
    assert (code, said) == (1, shown.replace(".x86_64", ".noarch"))


def test_ceph_ovn_and_mariadb_have_a_contract_each(made: Factory, tmp_path: Path) -> None:
    ceph = {"name": "ceph-common", "version": "16.2.15", "requires": ["librbd1"]}
    rbd = {"name": "librbd1", "version": "16.2.15"}
    ovn = {"name": "ovn-central", "version": "23.03", "provides": ["openvswitch-ovn-central"]}
    database = {"name": "mariadb-server", "version": "10.11.18"}
    snapshot(made, SECOND, 2, ceph, rbd, ovn, {**database, "version": "10.5"})
    snapshot(made, FIRST, 1, ceph, rbd, ovn, database)
    needs = ("ceph-common >= 16", "mariadb-server", "openvswitch-ovn-central")
    made.publish("python-a", "a1", requires=needs)
    (tmp_path / "contracts").mkdir()
    for side in ("ceph", "ovn", "mariadb"):
        (tmp_path / f"contracts/{side}.toml").write_text(block(f"# contracts/{side}.toml"))
    (tmp_path / "rdo.toml").write_text(TOML + block("dependencies.ceph]"))
    target = open_target(made)
    subject = Subject(target, find(target, "current"), Surroundings("x86_64"))
    sides = TargetSides(App(tmp_path).settings, subject)

    now = sides.check(tmp_path)
    after = sides.check(tmp_path, sides.candidate("deps", SECOND, tmp_path))

    assert now.breaches == ()
    assert [(one.fault, one.what) for one in after.breaches] == [
        ("mariadb", "mariadb promises mariadb-server >= 10.11 and does not provide it")
    ]
