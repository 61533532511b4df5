"""Run a verb for real, so that it can be undone, or in a throwaway clone to show its effect.

If a person has to do something in between, the verb continues in a later command.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from rdo.distgit.verb import state as states
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.journal import Journal, JournalEntry
from rdo.distgit.verb.problems import (
    NoActionError,
    NothingToDoError,
    OpenActionError,
    StoppedError,
)
from rdo.distgit.verb.rehearsal import Effect, throwaway
from rdo.distgit.verb.revert import Revert
from rdo.distgit.verb.snapshot import CloneState
from rdo.distgit.verb.state import STATE_FILE, STEPS, ActionState, Arguments
from rdo.errors import RefusedError, UserError
from rdo.tools.packaging.gpg import BadSignatureError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepPause:
    """A stop of an action, for a person to do something; `is_rerun` repeats the step afterwards.

    With `is_failure` (a conflict) the command ends with an error.
    """

    message: str
    arguments: Arguments
    is_rerun: bool = False
    is_failure: bool = False


Step = Callable[[Desk, Arguments], Arguments | StepPause]
Steps = Mapping[str, Step]


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Report system errors (a full disk, a read-only folder) without a traceback."""
    try:
        yield
    except OSError as error:
        what = error.filename or "a file"
        raise RefusedError(f"cannot work on {what}: {error.strerror or error}") from error


def guard(desk: Desk, *, is_dry: bool = False, is_clean: bool = False) -> None:
    """Refuse a folder in which no verb can work; with `is_clean`, also one with changes.

    Raises RefusedError for a rebase in progress, a read-only folder, or uncommitted changes.
    """
    desk.clone.check()
    _require_writable(desk, is_dry=is_dry)
    _complete(desk, is_dry=is_dry)
    if what := desk.clone.in_progress:
        raise RefusedError(
            f"a {what} is in progress here",
            hint=f"finish it with git {what} --continue or --abort, or with {desk.program} -c",
        )
    if is_clean:
        _require_clean(desk)


def _require_writable(desk: Desk, *, is_dry: bool = False) -> None:
    for place in (desk.clone.common_dir, *(() if is_dry else (desk.folder,))):
        if not os.access(place, os.W_OK):
            raise RefusedError(f"{place} is not writable")


def _require_clean(desk: Desk) -> None:
    """Refuse uncommitted changes, which the verb would mix with its own."""
    changed = desk.clone.changed_files
    if changed:
        shown = ", ".join(changed[:5]) + (" …" if len(changed) > 5 else "")
        raise RefusedError(
            f"there are uncommitted changes: {shown}; commit or stash them", hint=_unfinished(desk)
        )


def _unfinished(desk: Desk) -> str:
    """Return a hint if an action is in progress, or a verb was killed."""
    if states.is_stored(desk.folder):
        return f"an action is in progress: continue it with `{desk.program} -c`, or use `--abort`"
    entries = Journal(desk.clone).entries()
    if not entries or entries[-1].after is not None:
        return ""
    return f"{entries[-1].verb} was interrupted; `{desk.program} undo` reverts what it changed"


@_clear_errors()
def change(
    desk: Desk,
    verb: str,
    act: Callable[[Desk], None],
    *,
    is_dry: bool = False,
    is_clean: bool = False,
) -> None:
    """Run a verb completely or not at all; with `is_clean`, only in a clone without changes.

    Raises the errors of `guard` and `act`; the clone is then as before.
    """
    guard(desk, is_dry=is_dry, is_clean=is_clean)
    if is_dry:
        with _rehearsal(desk, verb) as there:
            act(there)
        return
    with _answered(desk, verb):
        _change(desk, verb, act)


def _change(desk: Desk, verb: str, act: Callable[[Desk], None]) -> None:
    journal = _journal(desk)
    entry = journal.begin(verb)
    try:
        act(_watched(desk, journal, entry))
    except NothingToDoError:
        journal.end(entry)
        raise
    except BaseException:
        journal.put_back(entry)
        raise
    journal.end(entry)


def _watched(desk: Desk, journal: Journal, entry: JournalEntry) -> Desk:
    """Return the same desk with a clone that records each change before it is made."""
    return replace(desk, clone=replace(desk.clone, announce=journal.watch(entry)))


def _journal(desk: Desk) -> Journal:
    """Return the clone's journal; the state file of an action ends with its entry."""

    def on_revert(number: int) -> None:
        if _is_waiting(desk, number):
            states.remove(desk.folder)

    return Journal(desk.clone, on_revert)


def _is_waiting(desk: Desk, number: int) -> bool:
    """Whether the action in progress belongs to this entry of the journal."""
    try:
        found = states.load(desk.folder)
    except RefusedError:  # the state file is unreadable
        return False
    return found is not None and found.entry == number


def _complete(desk: Desk, *, is_dry: bool = False) -> Revert | None:
    """Complete an undo that was killed, and return it; raises RefusedError in a dry run."""
    journal = _journal(desk)
    plan = journal.interrupted()
    if plan is None:
        return None
    if is_dry:
        raise RefusedError(
            f"the undo of {plan.verb} was interrupted", hint=f"{desk.program} undo completes it"
        )
    log.warning("completing the undo of %s, which was interrupted", plan.verb)
    journal.complete(plan)
    return plan


@_clear_errors()
def start(
    desk: Desk,
    action: str,
    steps: Steps,
    arguments: Arguments,
    *,
    is_dry: bool = False,
    is_clean: bool = False,
) -> Arguments:
    """Start an action that may stop for a person; return the arguments after its last step.

    Raises OpenActionError if an action is in progress, and StoppedError at a conflict.
    """
    desk.clone.check()
    _require_writable(desk, is_dry=is_dry)
    _complete(desk, is_dry=is_dry)
    if not is_dry:
        _refuse_second(desk)  # first, because an action in progress also causes other refusals
    guard(desk, is_dry=is_dry, is_clean=is_clean)
    first = ActionState(action, STEPS[action][0], arguments)
    verb = action.replace("_", "-")
    if is_dry:
        with _rehearsal(desk, verb, is_action=True) as there:
            states.remove(there.folder)
            return _run(there, first, steps, None)
    with _answered(desk, verb, is_action=True):
        entry = _journal(desk).begin(verb)
        return _run(desk, replace(first, entry=entry.number), steps, entry, is_new=True)


@_clear_errors()
def go_on(desk: Desk, actions: Mapping[str, Steps], *, is_dry: bool = False) -> None:
    """Continue the action in progress; raises NoActionError if there is none."""
    desk.clone.check()
    _complete(desk, is_dry=is_dry)
    found = states.load(desk.folder) if is_dry else _load(desk)
    if found is None:
        raise NoActionError
    verb = found.action.replace("_", "-")
    if is_dry:
        with _rehearsal(desk, verb, is_action=True) as there:
            _run(there, found, actions[found.action], None)
        return
    with _answered(desk, verb, is_action=True):
        journal = _journal(desk)
        known = journal.find(found.entry)
        entry = journal.resume(known) if known else journal.begin(verb)
        _run(desk, replace(found, entry=entry.number), actions[found.action], entry)


@_clear_errors()
def abort(desk: Desk, *, is_dry: bool = False) -> None:
    """Cancel the action in progress and revert its changes; keep what the user did.

    Raises NoActionError if there is none, and RefusedError if a person's file is in the way.
    """
    desk.clone.check()
    completed = _complete(desk, is_dry=is_dry)
    if completed and completed.again is not None:  # it completed an abort that was killed
        desk.say("State file removed.")
        return
    if is_dry:
        with _rehearsal(desk, "abort") as there:
            _abort(there)
        return
    with _answered(desk, "abort"):
        _abort(desk)


@_clear_errors()
def undo(desk: Desk, *, is_dry: bool = False) -> None:
    """Revert what the newest verb changed, or complete an undo that was killed.

    Raises NotFoundError if there is nothing to undo, and RefusedError if something that was changed
    since then would be lost.
    """
    desk.clone.check()
    _require_writable(desk, is_dry=is_dry)
    journal = _journal(desk)

    def is_waiting(number: int) -> bool:
        return _is_waiting(desk, number)

    if is_dry and not journal.interrupted():
        plan, effect = journal.planned(is_waiting=is_waiting)
        _show(desk, effect, plan.summary())
        return
    with _answered(desk, "undo"):
        completed = _complete(desk, is_dry=is_dry)
        verb = completed.verb if completed else journal.undo(is_waiting=is_waiting)
        desk.say(f"undid {verb}")


def _abort(desk: Desk) -> None:
    if not states.is_stored(desk.folder):
        raise NoActionError
    try:
        found = states.load(desk.folder)
    except RefusedError:  # an unreadable state file is removed too
        found = None
    journal = _journal(desk)
    entry = journal.find(found.entry) if found else None
    if entry:
        journal.abort(entry)
    states.remove(desk.folder)
    desk.say("State file removed.")


def _load(desk: Desk) -> ActionState | None:
    """Return the action in progress; offer to remove an unreadable state file."""
    try:
        return states.load(desk.folder)
    except RefusedError as error:
        question = "Do you want to delete this (likely corrupt) state file?"
        if desk.ask is None or not desk.ask(f"{error}\n{question}", True):
            raise
    states.remove(desk.folder)
    desk.say("State file removed.")
    return None


def _refuse_second(desk: Desk) -> None:
    found = _load(desk)
    if found is None:
        return
    if not _has_begun(desk, found):
        log.info("dropping the previous %s, which had changed nothing yet", found.action)
        states.remove(desk.folder)
        return
    program = desk.program
    desk.say(
        f"You're in the middle of previous action: {found.action}\n\n"
        f" a) View status of previous action:\n    {program} status\n\n"
        f" b) Continue the previous action:\n    {program} --continue / {program} -c\n\n"
        f" c) Abort the previous action:\n    {program} --abort"
    )
    raise OpenActionError


def _has_begun(desk: Desk, found: ActionState) -> bool:
    """Whether an action has changed anything yet."""
    entry = Journal(desk.clone).find(found.entry)
    return entry is None or entry.after is None or entry.is_change


def _run(
    desk: Desk,
    state: ActionState,
    steps: Steps,
    entry: JournalEntry | None,
    *,
    is_new: bool = False,
) -> Arguments:
    """Run one step after the other; store each step before it begins.

    If the action is refused, or ended by Ctrl-C, before the user has done anything, it does not
    stay in progress.
    """
    journal = _journal(desk)
    names = STEPS[state.action]
    watched = _watched(desk, journal, entry) if entry else desk
    while True:
        try:
            outcome = steps[state.step](watched, state.arguments)
        except NothingToDoError:
            states.remove(desk.folder)
            if entry:
                journal.end(entry)
            raise
        except (BadSignatureError, RefusedError) as error:
            if not isinstance(error, BadSignatureError) and not (is_new and _is_early(state)):
                if entry:
                    journal.pause(entry, keep=states.is_stored(desk.folder))
                raise
            states.remove(desk.folder)
            if entry:
                journal.put_back(entry)
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and is_new:
                states.remove(desk.folder)
            if entry:
                journal.pause(entry, keep=states.is_stored(desk.folder))
            raise
        following = names[names.index(state.step) + 1 :]
        arguments = outcome.arguments if isinstance(outcome, StepPause) else outcome
        if isinstance(outcome, StepPause) and outcome.is_rerun:
            following = (state.step, *following)
        if not following:
            break
        state = replace(state, step=following[0], arguments=arguments)
        desk.clone.exclude(STATE_FILE)
        states.store(desk.folder, state)
        if isinstance(outcome, StepPause):
            if entry:
                journal.pause(entry, keep=True)
            _say_pause(desk, outcome)
            return arguments
    states.remove(desk.folder)
    if entry:
        journal.end(entry)
    if not desk.clone.is_dry:
        desk.say("Action finished.")
    return arguments


def _is_early(state: ActionState) -> bool:
    """Whether the step comes before the steps that complete what an action has written."""
    names = STEPS[state.action]
    return names.index(state.step) <= names.index("update_spec")


def _say_pause(desk: Desk, pause: StepPause) -> None:
    if pause.is_failure:
        raise StoppedError(pause.message, hint=f"then continue with {desk.program} -c")
    desk.say(
        f"\nAction required: {pause.message}\n\nOnce done, run `{desk.program} -c` to continue.\n"
    )


@contextlib.contextmanager
def _rehearsal(desk: Desk, verb: str, *, is_action: bool = False) -> Iterator[Desk]:
    """Run the verb in a throwaway clone, and show at the end what changed there."""
    with throwaway(desk.clone) as copy:
        before = CloneState.take(copy)
        there = desk.at(copy.path, copy)
        try:
            yield there
        except NothingToDoError as error:
            _answer_end(there, error, before, verb)
            raise
        except StoppedError as error:
            raise RefusedError(f"this would stop here: {error}") from error
        _show(there, _effect(there, before, verb, is_action=is_action))


@contextlib.contextmanager
def _answered(desk: Desk, verb: str, *, is_action: bool = False) -> Iterator[None]:
    """Report a verb's effect to a JSON caller; people have seen the messages already."""
    if desk.answer is None:
        yield
        return
    before = CloneState.take(desk.clone)
    try:
        yield
    except (NothingToDoError, StoppedError) as error:
        _answer_end(desk, error, before, verb, is_action=is_action)
        raise
    desk.answer(_effect(desk, before, verb, is_action=is_action))


def _effect(desk: Desk, before: CloneState, verb: str, *, is_action: bool) -> Effect:
    after = CloneState.take(desk.clone)
    waits = is_action and states.is_stored(desk.folder)
    return Effect.between(
        desk.clone, before, after, verb=verb, dry_run=desk.clone.is_dry, finished=not waits
    )


def _answer_end(
    desk: Desk, error: UserError, before: CloneState, verb: str, *, is_action: bool = False
) -> None:
    """Report a legitimate early end (nothing to do, or a conflict) to a JSON caller too."""
    if desk.answer:
        desk.say(str(error))
        desk.answer(_effect(desk, before, verb, is_action=is_action))


def _show(desk: Desk, effect: Effect, text: str = "") -> None:
    if desk.answer is None:
        desk.say(text or str(effect))
    else:
        desk.answer(effect)
