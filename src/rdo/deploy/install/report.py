"""Plans and journals as text for people and as JSON data."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rdo.deploy.install.journal import InstallEntry
from rdo.deploy.install.planning import Plan, PlannedStep


def plan_as_text(plan: Plan) -> str:
    """Return each host with its steps and their changes, and the number of changes."""
    lines = []
    for host in dict.fromkeys(step.host for step in plan.steps):
        mine = [step for step in plan.steps if step.host == host and (step.is_needed or step.fault)]
        lines += [host] if mine else []
        for step in mine:
            lines += _step_lines(step)
    lines.append(f"{plan.changes} changes")
    return "\n".join(lines)


def _step_lines(step: PlannedStep) -> list[str]:
    lines = [f"  {step.title}"]
    lines += [f"    {one}" for one in step.changes]
    lines += [f"    then {one}" for one in step.follows]
    lines += [f"    compared as soon as {one}" for one in dict.fromkeys(step.until)]
    if step.fault:
        lines += [f"    error: {step.fault}", *([f"      {step.remedy}"] if step.remedy else [])]
    return lines


def plan_as_plain(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON data."""
    return {
        "changes": plan.changes,
        "steps": [
            {
                "host": step.host,
                "role": step.role,
                "step": step.title,
                "changes": step.changes,
                "follows": step.follows,
                "until": step.until,
                "error": step.fault or None,
                "remedy": step.remedy or None,
            }
            for step in plan.steps
            if step.is_needed or step.fault
        ],
    }


def run_as_text(entries: Sequence[InstallEntry]) -> str:
    """Return the last run, one line per step, and how it ended."""
    if not entries:
        return "nothing has been installed from here"
    lines = [f"began {_time(entries[0].when)}"]
    lines += [f"  {one.what}: {one.host}: {one.step}" for one in entries[1:] if one.step]
    last = entries[-1]
    if last.what == "finished":
        lines.append(f"finished {_time(last.when)}")
    elif last.what == "failed":
        lines.append(f"failed {_time(last.when)}: {last.said}")
    else:
        lines.append("not finished: it is running, or was killed; apply continues from there")
    return "\n".join(lines)


def _time(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
