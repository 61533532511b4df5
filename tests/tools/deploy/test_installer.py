"""The process that carries out steps with pyinfra; `make test-oldest` tries pyinfra 3.5."""

from pathlib import Path

from rdo.tools.hosts.access import Host
from rdo.tools.hosts.installer import Program, installer

HERE = "192.0.2.1"
ANSWERS = """
import json
def main(request):
    print(json.dumps({"found": []} if request["mode"] == "look" else {"done": ["it"]}))
"""


def test_a_step_is_looked_at_and_carried_out(tmp_path: Path) -> None:
    step = {"title": "A step", "wants": {HERE: [{"kind": "it"}]}}
    program = Program([("answering", ANSWERS)], "answering")

    with installer([Host(HERE, None)], [step], program, tmp_path / "log") as running:
        told = running.events()
        looked = [next(told)["event"], next(told)["event"]]
        running.carry_out([[HERE]])
        done = list(told)

    assert looked == ["found", "looked"], (tmp_path / "log").read_text()
    assert [one["event"] for one in done] == ["begin", "done", "finished"]
    assert done[1]["changes"] == ["it"]
