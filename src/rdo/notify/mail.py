"""Write a story as a mail: plain text and plain HTML with the same content.

Commit subjects, names and log lines come from outside. They are stripped of control characters,
never become a header, and appear in the HTML as text only.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from rdo.logs.reader import LogLine, clean
from rdo.model.text.dates import minute
from rdo.notify import words
from rdo.notify.story import Audience, Changes, EventKind, LinkedCommit, Story
from rdo.templates import render

_TEMPLATES = "rdo.notify"
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'=/-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_POLICY = SMTP.clone(max_line_length=78)
_HEADERS = SMTP.clone(max_line_length=200)  # other policies fold the subject


def is_address(text: str) -> bool:
    """Whether a text is exactly one mail address; a text that could be several is not.

    >>> [is_address(x) for x in ("a@example.org", "a@b, c@d", "a b@c", "a@b\\nBcc: c@d")]
    [True, False, False, False]
    """
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def message_id(story: Story, break_id: int, sender: str, *, kind: str = "") -> str:
    """Return the Message-ID of a mail, the same however often the mail is made.

    The time of the failure is part of it, because build numbers start again in a new data folder.
    """
    begun = int((story.broken or story.when).timestamp())
    parts: tuple[object, ...] = (
        kind or story.kind,
        story.target,
        story.package,
        break_id,
        begun,
        story.audience,
    )
    if story.kind in {EventKind.WAITED_FOR, EventKind.WAITS, EventKind.STALE} and not kind:
        parts = (*parts, int(story.when.timestamp()), *story.waiting)
    return _named(f"{kind or story.kind}.{story.target}.{break_id}", parts, sender)


def _named(readable: str, parts: Iterable[object], sender: str) -> str:
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:20]
    plain = re.sub(r"[^A-Za-z0-9.-]", "-", readable)
    return f"<{plain}.{digest}@{sender.rpartition('@')[2]}>"


def compose(story: Story, break_id: int, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the mail about one event; all mails about the same failure are one thread."""
    mail = _envelope(sender, recipients, words.subject(story), story.when)
    mail["Message-ID"] = message_id(story, break_id, sender)
    if story.kind in {EventKind.MENDED, EventKind.WAITED_FOR}:
        first = message_id(story, break_id, sender, kind=EventKind.BROKEN)
        mail["In-Reply-To"] = first
        mail["References"] = first
    mail["X-RDO-Event"] = story.kind
    mail["X-RDO-Target"] = clean(story.target)
    mail["X-RDO-Package"] = clean(story.package)
    name = re.sub(r"[^A-Za-z0-9-]+", "-", story.target)
    mail["List-Id"] = f"<{name}.{sender.rpartition('@')[2] or 'localhost'}>"
    _fill(mail, text_of(story), [story])
    return mail


def compose_together(
    told: Sequence[tuple[Story, int]], sender: str, recipients: Sequence[str]
) -> EmailMessage:
    """Return one mail about a commit that fails, or builds again, on several targets.

    Each story has the number of its break. The mail refers to the mails that it replaces, so that
    later mails about one of the targets join its thread.
    """
    in_order = sorted(told, key=lambda one: one[0].target)
    stories = [story for story, _ in in_order]
    (first, first_break), *others = in_order
    mail = _envelope(
        sender, recipients, words.subject_together(stories), max(one.when for one in stories)
    )
    mail["Message-ID"] = message_id(first, first_break, sender)
    if first.kind is EventKind.MENDED:
        broken = [message_id(*one, sender, kind=EventKind.BROKEN) for one in in_order]
        mail["In-Reply-To"] = broken[0]
        mail["References"] = " ".join(broken)
    else:
        mail["References"] = " ".join(message_id(*one, sender) for one in others)
    mail["X-RDO-Event"] = first.kind
    mail["X-RDO-Target"] = ", ".join(clean(story.target) for story in stories)
    mail["X-RDO-Package"] = clean(first.package)
    name = re.sub(r"[^A-Za-z0-9-]+", "-", first.release)
    mail["List-Id"] = f"<{name}.{sender.rpartition('@')[2] or 'localhost'}>"
    rule = f"\n{'=' * 72}\n\n"
    contents = "\n".join(f"  {words.on_target(story)}" for story in stories)
    text = rule.join(text_of(story) for story in stories)
    _fill(mail, f"{contents}\n{rule}{text}", stories)
    return mail


def compose_test(sender: str, recipient: str, factory: str, when: datetime) -> EmailMessage:
    """Return a mail that tests whether mail arrives."""
    mail = _envelope(sender, [recipient], "a test from rdo: mail works", when)
    mail["Message-ID"] = _named("test", (recipient, when.timestamp()), sender)
    mail["X-RDO-Event"] = "test"
    mail.set_content(f"rdo notify test sent this for {clean(factory)}. No package is concerned.\n")
    return mail


def compose_digest(
    stories: Sequence[Story], sender: str, recipient: str, due: datetime
) -> EmailMessage:
    """Return one mail with all events that a recipient gets as a digest."""
    mail = _envelope(sender, [recipient], words.digest_subject(stories, due), due)
    mail["Message-ID"] = _named(f"digest.{due:%Y%m%d}", (recipient, int(due.timestamp())), sender)
    mail["X-RDO-Event"] = "digest"
    rule = f"\n{'=' * 72}\n\n"
    text = rule.join(text_of(story) for story in stories)
    contents = "\n".join(f"  {words.subject(story)}" for story in stories)
    _fill(mail, f"{contents}\n{rule}{text}", stories)
    return mail


def _envelope(sender: str, recipients: Sequence[str], subject: str, when: datetime) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = subject
    mail["From"] = f"rdo <{sender}>"
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(when)
    mail["Auto-Submitted"] = "auto-generated"  # so that no vacation responder answers
    return mail


def _fill(mail: EmailMessage, text: str, stories: Sequence[Story]) -> None:
    mail.set_content(text, cte="quoted-printable")
    page = render(_TEMPLATES, "mail.html", stories=list(map(_in_html, stories)))
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    if mail.is_multipart():
        mail.set_boundary(hashlib.sha256(mail["Message-ID"].encode()).hexdigest()[:40])
    mail.policy = _HEADERS


def text_of(story: Story) -> str:
    """Return the text part of a mail."""
    return "\n".join(_text_lines(story)).rstrip() + "\n"


def _reproduce(story: Story) -> tuple[str, str]:
    """Return the commands that repeat a build."""
    command = words.reproduce_command(story.factory, story.build_id)
    return command, f"{command} --shell"


def _text_lines(story: Story) -> Iterator[str]:
    yield words.opening(story)
    yield ""
    rows = list(words.facts(story))
    width = max((len(name) for name, _ in rows), default=0)
    yield from (f"{name.ljust(width)}  {clean(value)}" for name, value in rows)
    yield ""
    if story.problems:
        yield from (
            f"  {clean(one.package)}: {clean(one.what)}, since {minute(one.since)}"
            for one in story.problems
        )
        yield ""
    if story.needs:
        yield "Unmet requirements"
        yield from (f"  {words.need_line(need)}" for need in story.needs)
        yield ""
    if story.lines:
        yield "The log says"
        yield from map(_log_line, story.lines)
        yield ""
    yield from _changes_lines(story)
    if story.root:
        yield "Changes in its build root since the last good build"
        yield from (f"  {words.root_line(change)}" for change in story.root)
        yield ""
    if story.waiting:
        yield "Packages that wait for it"
        yield f"  {', '.join(map(clean, story.waiting))}"
        yield ""
    if story.kind in {EventKind.BROKEN, EventKind.WAITED_FOR} and story.build_id:
        yield "Reproduce it"
        yield from (f"  {command}" for command in _reproduce(story))
        yield ""
    yield from (f"{name + ':':9}{url}" for name, url in _urls(story))
    yield ""
    yield _why_you(story)


def _log_line(line: LogLine) -> str:
    return f"{'>' if line.is_cause else ' '}{line.number:6} | {clean(line.text)}"


def _changes_lines(story: Story) -> Iterator[str]:
    if story.kind not in {EventKind.BROKEN, EventKind.MENDED}:
        return
    for side, changes in (("Upstream", story.upstream), ("Distgit", story.distgit)):
        yield _title(story, side, changes)
        for change in changes.newest:
            yield f"  {_change(change)}"
            if change.url:
                yield f"           {change.url}"
        if rest := words.more(changes):
            yield f"  {rest}"
    yield ""


def _title(story: Story, side: str, changes: Changes) -> str:
    if story.kind is EventKind.MENDED:
        count = changes.count
        return f"{side}: {count or 'no'} commit{'s' if count != 1 else ''} since it broke"
    return words.changes_title(side, changes, has_good=story.good is not None)


def _change(change: LinkedCommit) -> str:
    by = f"{clean(change.author)}, " if change.author else ""
    return f"{change.hash[:7]}  {clean(change.subject)} ({by}{change.when:%F})"


def _urls(story: Story) -> Iterator[tuple[str, str]]:
    pairs = (
        ("log", story.log_url),
        ("history", story.page_url),
        ("repo", story.repository_url),
    )
    return ((name, clean(url)) for name, url in pairs if url)


def _why_you(story: Story) -> str:
    if story.audience is Audience.OPERATOR:
        return "You get this as an operator; no package is to blame, so no maintainer is notified."
    return (
        f"You get this as a maintainer of {clean(story.package)} in release {clean(story.release)}."
    )


def html_of(story: Story) -> str:
    """Return the HTML part of a mail, without pictures, scripts or colors."""
    return render(_TEMPLATES, "story.html", it=_in_html(story))


def _in_html(story: Story) -> Mapping[str, object]:
    """Return the values for the template of a story."""
    is_build = story.kind in {EventKind.BROKEN, EventKind.WAITED_FOR} and story.build_id
    return {
        "opening": words.opening(story),
        "facts": [(name, clean(value)) for name, value in words.facts(story)],
        "problems": [
            f"{clean(x.package)}: {clean(x.what)}, since {minute(x.since)}" for x in story.problems
        ],
        "needs": list(map(words.need_line, story.needs)),
        "lines": [(f"{x.number:6} | {clean(x.text)}", x.is_cause) for x in story.lines],
        "changes": list(_changes_in_html(story)),
        "root": list(map(words.root_line, story.root)),
        "waiting": ", ".join(map(clean, story.waiting)),
        "reproduce": "\n".join(_reproduce(story)) if is_build else "",
        "urls": list(_urls(story)),
        "why": _why_you(story),
    }


def _changes_in_html(story: Story) -> Iterator[tuple[str, list[tuple[str, str, str]], str]]:
    if story.kind not in {EventKind.BROKEN, EventKind.MENDED}:
        return
    for side, changes in (("Upstream", story.upstream), ("Distgit", story.distgit)):
        commits = [(one.hash[:7], one.url, _change(one)[7:]) for one in changes.newest]
        yield _title(story, side, changes), commits, words.more(changes)
