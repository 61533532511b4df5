"""Read specs with rpm, many in one run (a program of its own, run in the sandbox).

It is started with one argument, a file of questions in JSON, and prints one line of JSON for each.
`rdo.tools.rpm.rpmspec` defines both. Each spec is read in a process of its own, forked from one
that has loaded rpm and the macros of the platform, so a spec's definitions end with it. The spec
may run programs and Lua code, and nothing here prevents that; the sandbox around it does.
"""

import json
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # slow to load, and this program starts often
    from collections.abc import Mapping
    from typing import Any

NO_MODULE = 77
"""The exit status of a machine without rpm's Python module."""

MOST_SAID = 1 << 16
"""How many bytes of rpm's error messages are returned for a spec."""

_PREP = re.compile(
    r"^%prep\b(.*?)(?=^%(?:build|install|check|clean|files|generate|conf|changelog)|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


def main() -> int:
    with os.fdopen(os.open(sys.argv[1], os.O_RDONLY)) as file:
        asked = json.load(file)
    try:
        import rpm  # it reads rpm's own configuration
    except ImportError as error:
        print(error, file=sys.stderr)  # noqa: T201 - our only voice
        return NO_MODULE
    if asked["macros"]:
        rpm.expandMacro(f"%{{load:{asked['macros']}}}")
    for question in asked["questions"]:
        print(json.dumps(_in_a_process(rpm, question)), flush=True)  # noqa: T201 - the answer
    return 0


def _in_a_process(rpm: "Any", question: "Mapping[str, Any]") -> "dict[str, Any]":
    """Return the answer of a new process, and its other output."""
    said, told = (os.memfd_create(name) for name in ("said", "told"))
    pid = os.fork()
    if not pid:
        for number in (1, 2):
            os.dup2(said, number)
        os._exit(_read(rpm, question, told))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    answer = _answer(_content(told), len(question["wanted"])) if not status else []
    words = _text(_content(said)[:MOST_SAID])
    for file in (said, told):
        os.close(file)
    return {"is_refused": bool(status) or not answer, "said": words, "told": answer}


def _answer(told: bytes, count: int) -> "list[str]":
    """Return the texts that a process has written; none if the spec has interfered with them."""
    try:
        texts = json.loads(told)
    except (ValueError, RecursionError):
        return []
    is_whole = isinstance(texts, list) and len(texts) == count
    return texts if is_whole and all(isinstance(text, str) for text in texts) else []


def _read(rpm: "Any", question: "Mapping[str, Any]", told: int) -> int:
    """Write the requested texts of a spec into a file; return 1 if rpm cannot read it."""
    try:
        for name, value in question["macros"]:
            if value is None:
                rpm.delMacro(name)
            else:
                rpm.expandMacro(f"%define {name} {value}")
        try:
            spec = rpm.spec(question["spec"], rpm.RPMSPEC_ANYARCH | rpm.RPMSPEC_FORCE)
        except (ValueError, rpm.error):  # rpm has printed the reason
            return 1
        wanted = [_text(_wanted(spec, *one)) for one in question["wanted"]]
        with os.fdopen(told, "w", closefd=False) as file:
            json.dump(wanted, file)
    except Exception:  # noqa: BLE001 - the top: whatever comes here is told
        import traceback  # slow to load

        traceback.print_exc()
        return 2
    return 0


def _wanted(spec: "Any", what: str, form: str) -> str:
    if what == "srpm":
        return str(spec.sourceHeader.format(form))
    if what == "rpms":
        return "".join(package.header.format(form) for package in spec.packages)
    parsed = str(spec.parsed)
    return prep_of(parsed) if what == "prep" else parsed


def prep_of(parsed: str) -> str:
    """Return %prep of a spec as rpm sees it; empty if there is none."""
    match = _PREP.search(parsed)
    return match[1] if match else ""


def _text(said: str | bytes) -> str:
    """Return a text without bytes that are not UTF-8."""
    if isinstance(said, str):
        said = said.encode(errors="surrogateescape")
    return said.decode(errors="replace")


def _content(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as again:
        again.seek(0)
        return again.read()


if __name__ == "__main__":
    sys.exit(main())
