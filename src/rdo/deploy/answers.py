"""The answers for a cloud: file, options and defaults combined and checked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from rdo.deploy.answer_file import AnswerFault, AnswerFile
from rdo.deploy.keys import PLACEHOLDER, Key, KeyTable, Kind, Support
from rdo.deploy.machine import ThisMachine
from rdo.deploy.value_checks import fault_of, is_address, items_of
from rdo.errors import ConfigError, did_you_mean
from rdo.model.text.url import without_secret

MASK = "********"
DEFAULT_PASSWORD = "CONFIG_DEFAULT_PASSWORD"
_ONE_HOST = "CONFIG_CONTROLLER_HOST"
_ON_IT = {"CONFIG_MARIADB_HOST": "MariaDB", "CONFIG_AMQP_HOST": "the message broker"}
_SERVICE = "_INSTALL"


class Origin(StrEnum):
    """Where an answer comes from: the first of option, file and default that exists."""

    OPTION = "option"
    FILE = "file"
    DEFAULT = "default"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class CloudAnswer:
    """The value of one key; `line` is its place in the file.

    A secret that has not been generated yet has no value. An answer is not active if another answer
    has switched off the group of its key.
    """

    key: Key
    value: str
    origin: Origin
    line: int | None = None
    is_active: bool = True

    @property
    def shown(self) -> str:
        """The value for people, without secrets, including those in URLs."""
        return MASK if self.key.secret and self.value else without_secret(self.value)


@dataclass(frozen=True, slots=True)
class Answers:
    """All answers by key, with their faults and notes for the user."""

    by_key: Mapping[str, CloudAnswer]
    faults: tuple[AnswerFault, ...]
    notes: tuple[AnswerFault, ...]

    def __getitem__(self, key: str) -> str:
        return self.by_key[key].value

    @property
    def not_made(self) -> list[str]:
        """The keys whose secrets have not been generated yet."""
        made = (one for one in self.by_key.values() if one.origin is Origin.GENERATED)
        return [one.key.name for one in made if not one.value]


def check_options(table: KeyTable, options: Mapping[str, str]) -> None:
    """Raise ConfigError for an answer whose key does not exist."""
    for name in options:
        if name not in table.keys:
            near = did_you_mean(name, table.keys)
            raise ConfigError(f"there is no key {name}{near}")


def host_options(table: KeyTable, hosts: str) -> dict[str, str]:
    """Return the answers of `--install-hosts`: the first host is the controller.

    The others are compute hosts; if there is only one host, it has all duties.
    """
    first, *others = items_of(hosts)
    kinds = {Kind.HOST, Kind.HOSTS}
    own = {key.name: first for key in table if key.kind in kinds and key.default == "@address"}
    return {**own, "CONFIG_COMPUTE_HOSTS": ",".join(others)} if others else own


def decide(
    table: KeyTable,
    given: AnswerFile,
    options: Mapping[str, str],
    machine: ThisMachine,
    made: Mapping[str, str],
) -> Answers:
    """Combine the answers and check those that matter; `made` are the secrets of the cloud."""
    plain = {key.name: _answer(key, given, options, machine) for key in table}
    plain |= {name: _following(plain[name], plain[_ONE_HOST]) for name in _ON_IT}
    common = plain[DEFAULT_PASSWORD]
    whole = {name: _with_secret(one, common, made) for name, one in plain.items()}
    values = {name: one.value for name, one in whole.items()}
    answers = {
        key.name: _active(whole[key.name], group.is_active(values))
        for group in table.groups
        for key in group.keys
    }
    faults = [*given.faults, *(one for answer in answers.values() for one in _faults(answer))]
    faults += _conflicts(answers)
    notes = (*given.notes, *_notes(answers.values(), machine), *_idle(table, answers))
    return Answers(answers, tuple(faults), notes)


def _answer(
    key: Key, given: AnswerFile, options: Mapping[str, str], machine: ThisMachine
) -> CloudAnswer:
    if key.name in options:
        return CloudAnswer(key, options[key.name], Origin.OPTION)
    if found := given.values.get(key.name):
        return CloudAnswer(key, found.value, Origin.FILE, found.line)
    return CloudAnswer(key, machine.fill(key.default), Origin.DEFAULT)


def _following(answer: CloudAnswer, controller: CloudAnswer) -> CloudAnswer:
    """Return the answer with the controller's value, unless another value was given."""
    is_open = answer.origin is Origin.DEFAULT
    return replace(answer, value=controller.value) if is_open else answer


def _with_secret(answer: CloudAnswer, common: CloudAnswer, made: Mapping[str, str]) -> CloudAnswer:
    """Return the answer with its placeholder replaced by the secret."""
    key = answer.key
    is_open = answer.value == PLACEHOLDER or (
        key.is_made and answer.origin is Origin.DEFAULT and answer.value == key.default
    )
    if not is_open:
        return answer
    if common.value and key.default == PLACEHOLDER:
        return CloudAnswer(key, common.value, common.origin, common.line)
    return CloudAnswer(key, made.get(key.name, ""), Origin.GENERATED, answer.line)


def _active(answer: CloudAnswer, is_active: bool) -> CloudAnswer:
    return CloudAnswer(answer.key, answer.value, answer.origin, answer.line, is_active)


def _faults(answer: CloudAnswer) -> Iterator[AnswerFault]:
    """Yield the faults of one answer; an answer that is switched off may have any value."""
    key, value = answer.key, answer.value
    shown = f"{key.name}={answer.shown}"
    if key.refused and value not in {"", key.default}:
        yield AnswerFault(answer.line, f"{shown} is refused: {key.refused}")
        return
    if not answer.is_active or answer.origin is Origin.GENERATED:
        return
    if wrong := fault_of(key, value):
        yield AnswerFault(answer.line, f"{shown} {wrong}" if value else f"{key.name} {wrong}")


def _conflicts(answers: Mapping[str, CloudAnswer]) -> Iterator[AnswerFault]:
    """Yield conflicts between answers that are valid on their own."""
    network = answers["CONFIG_NEUTRON_INSTALL"]
    if network.value == "n" and answers["CONFIG_NOVA_INSTALL"].value == "y":
        said = "CONFIG_NEUTRON_INSTALL=n: nova has no other network; it must be y"
        yield AnswerFault(network.line, said)
    controller = answers[_ONE_HOST].value
    for name, service in _ON_IT.items():
        one = answers[name]
        if _are_two(one.value, controller):
            said = f"{name}={one.value}: {service} is on the controller, {_ONE_HOST}={controller}"
            yield AnswerFault(one.line, f"{said}; another host is not supported yet")


def _are_two(one: str, other: str) -> bool:
    """Whether two values are certainly two hosts; a name and an address may be the same host."""
    return one != other and is_address(one) and is_address(other)


def _notes(answers: Iterable[CloudAnswer], machine: ThisMachine) -> Iterator[AnswerFault]:
    """Yield notes on answers that are ignored because rdo does not support them yet."""
    services, others = [], []
    for one in answers:
        if not one.is_active or one.key.support is not Support.LATER or one.key.is_made:
            continue
        name = one.key.name
        if name.startswith("CONFIG_") and name.endswith(_SERVICE) and name.count("_") == 2:
            services += [name] if one.value == "y" else []
        elif _is_other(one, machine):
            others.append(name)
    if services:
        yield AnswerFault(None, f"not supported yet, so left out: {', '.join(services)}")
    if others:
        yield AnswerFault(None, f"not supported yet, so ignored: {', '.join(others)}")


def _idle(table: KeyTable, answers: Mapping[str, CloudAnswer]) -> Iterator[AnswerFault]:
    """Yield the answers without effect, because another answer has switched them off."""
    values = {name: one.value for name, one in answers.items()}
    found: dict[str, list[str]] = {}
    for group in table.groups:
        if why := group.switched_off_by(values):
            names = [key.name for key in group.keys if _is_chosen(answers[key.name])]
            found.setdefault(f"{why}={values[why]}", []).extend(names)
    for reason, names in found.items():
        if names:
            yield AnswerFault(None, f"without effect because of {reason}: {', '.join(names)}")


def _is_chosen(answer: CloudAnswer) -> bool:
    """Whether the user chose a fixed value, not one that a template fills in or generates."""
    key = answer.key
    is_fixed = "@" not in key.default and not key.is_made and not key.refused
    is_given = answer.origin in {Origin.FILE, Origin.OPTION}
    return is_given and is_fixed and answer.value != key.default


def _is_other(answer: CloudAnswer, machine: ThisMachine) -> bool:
    """Whether the user gave another value than the default."""
    is_given = answer.origin in {Origin.FILE, Origin.OPTION}
    return is_given and answer.value != machine.fill(answer.key.default)
