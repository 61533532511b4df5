"""Read criteria in the format of RDO's promoter scripts, from their YAML files.

A file has `promotions`, each with `candidate_label`, `criteria` and `alternative_criteria`; or it
has the jobs of each component below a promotion name, whose candidate is in `promote_from`.
"""

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from rdo.errors import ConfigError, did_you_mean
from rdo.promotion.deciding.criteria import MOST_CANDIDATES, Criteria

_MOST_BYTES = 1_000_000
_LISTED = ("candidate_label", "criteria", "alternative_criteria")
_FROM = "promote_from"


class _Loader(yaml.CSafeLoader):
    """A safe loader that refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        for (key, _), number in zip(node.value, range(len(keys)), strict=True):
            if key.value in keys[:number]:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value} is there twice", problem_mark=key.start_mark
                )
        return super().construct_mapping(node, deep)


def read_promoter_file(path: Path) -> dict[str, Criteria]:
    """Return the criteria in a file of the promoter scripts, by promotion name.

    As in these scripts, one success of a job is enough, whatever it reports later, and no check
    runs. Raises ConfigError, with all its faults, for a file in another format.
    """
    tree = _tree(path)
    faults: list[str] = []
    most = _most(tree.get("latest_hashes_count", MOST_CANDIDATES), faults)
    found = dict(_promotions(tree.get("promotions") or {}, most, faults))
    found |= dict(_by_component(tree, most, faults))
    if not found and not faults:
        faults.append(f'it has neither "promotions" nor "{_FROM}"')
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return found


def as_toml(target: str, criteria: Mapping[str, Criteria]) -> str:
    """Return criteria as sections of rdo.toml."""
    return "\n".join(_section(target, one) for one in criteria.values())


def _most(count: object, faults: list[str]) -> int:
    """Return how many candidates are considered; like the scripts, this accepts digits as text."""
    if re.fullmatch(r"[1-9][0-9]{0,3}", str(count)) and not isinstance(count, float):
        return int(str(count))
    faults.append(f"latest_hashes_count is not a number of hashes: {count!r}")
    return MOST_CANDIDATES


def _tree(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path} is larger than {_MOST_BYTES} bytes")
    try:
        tree = yaml.load(content, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        told = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(f"{path}{line}: not YAML: {told}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} is not a file of the promoter: it has no keys")
    return tree


def _promotions(found: object, most: int, faults: list[str]) -> Iterator[tuple[str, Criteria]]:
    if not isinstance(found, dict):
        faults.append("promotions is not a mapping")
        return
    for name, entry in found.items():
        where = f"promotions.{name}"
        if not isinstance(name, str) or not isinstance(entry, dict):
            faults.append(f"{where} is not a promotion name with its criteria")
            continue
        for key in entry:
            if key not in _LISTED:
                faults.append(f'{where}: unknown key "{key}"{did_you_mean(str(key), _LISTED)}')
        candidate = entry.get("candidate_label")
        if not isinstance(candidate, str) or not candidate:
            faults.append(f"{where} has no candidate_label")
            continue
        jobs = _jobs(entry.get("criteria"), f"{where}.criteria", faults)
        others = entry.get("alternative_criteria") or {}
        if not isinstance(others, dict):
            faults.append(f"{where}.alternative_criteria is not a mapping")
            continue
        place = f"{where}.alternative_criteria"
        alternatives = {
            str(job): _jobs(listed, f"{place}.{job}", faults) for job, listed in others.items()
        }
        yield (
            name,
            Criteria(name, candidate, jobs, alternatives, any_success=True, most=most),
        )


def _by_component(
    tree: Mapping[str, Any], most: int, faults: list[str]
) -> Iterator[tuple[str, Criteria]]:
    """Yield the criteria of component files, in which a promotion name is a top-level key."""
    names = tree.get(_FROM) or {}
    if not isinstance(names, dict):
        faults.append(f"{_FROM} is not a mapping")
        return
    if "promoted-components" in tree and "promoted-components" not in names:
        faults.append(f"promoted-components has no candidate in {_FROM}")
    for name, candidate in names.items():
        components = tree.get(name)
        if not isinstance(components, dict) or not isinstance(candidate, str):
            faults.append(f"{name} of {_FROM} has no components with jobs, or no candidate")
            continue
        jobs = {
            str(component): _jobs(listed, f"{name}.{component}", faults)
            for component, listed in components.items()
        }
        yield (
            str(name),
            Criteria(
                str(name), candidate, each=True, component_jobs=jobs, any_success=True, most=most
            ),
        )


def _jobs(listed: object, where: str, faults: list[str]) -> tuple[str, ...]:
    if not isinstance(listed, list) or not listed or not all(isinstance(x, str) for x in listed):
        faults.append(f"{where} is not a list of jobs")
        return ()
    return tuple(dict.fromkeys(listed))


def _section(target: str, one: Criteria) -> str:
    head = f"targets.{_key(target)}.promotions.{_key(one.name)}"
    lines = [f"[{head}]", f"candidate = {_text(one.candidate)}"]
    if one.jobs:
        lines.append(f"jobs = {_list(one.jobs)}")
    lines += [f"most-candidates = {one.most}"] if one.most != MOST_CANDIDATES else []
    lines += ['components = "each"'] if one.each else []
    lines += ["checks = []"] if one.checks == () else []
    lines += ['verdict = "any"'] if one.any_success else []
    tables = {"alternatives": one.alternatives, "component-jobs": one.component_jobs}
    for table, rows in tables.items():
        if rows:
            lines += ["", f"[{head}.{table}]"]
            lines += [f"{_key(key)} = {_list(jobs)}" for key, jobs in rows.items()]
    return "\n".join(lines) + "\n"


def _list(jobs: tuple[str, ...]) -> str:
    if len(jobs) == 1:
        return f"[{_text(jobs[0])}]"
    return "[\n" + "".join(f"    {_text(job)},\n" for job in jobs) + "]"


def _key(text: str) -> str:
    is_bare = text and all(c.isascii() and (c.isalnum() or c in "-_") for c in text)
    return text if is_bare else _text(text)


def _text(text: str) -> str:
    """Return a TOML string, which has the same escapes as JSON."""
    return json.dumps(text, ensure_ascii=True).replace("\x7f", "\\u007f")
