"""git with Gerrit: push one commit on top of a branch, or a branch, for review."""

import configparser
import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rdo.errors import CommandError, NotFoundError, RefusedError
from rdo.run import Runner, run
from rdo.tools.git.clone import Clone
from rdo.tools.git.login import git_address
from rdo.tools.git.mirror import ENVIRONMENT, Mirror, check_url

PUSH_TIMEOUT_SECONDS = 300.0
_PARTS = "%T%x1f%P%x1f%an%x1f%ae%x1f%ad%x1f%B"
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30"


@dataclass(frozen=True, slots=True)
class ReviewPlace:
    """The content of a repository's .gitreview: where its reviews go."""

    host: str
    port: int
    project: str

    @classmethod
    def read(cls, mirror: Mirror, commit: str) -> "ReviewPlace":
        """Return the .gitreview of a commit; raises NotFoundError if there is none."""
        return cls.parse(mirror.read_file(commit, ".gitreview"), mirror.path.name)

    @classmethod
    def parse(cls, text: str, repository: str) -> "ReviewPlace":
        """Parse the .gitreview of `repository`; raises RefusedError if it is faulty."""
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
            section = parser["gerrit"]
            place = cls(section["host"], int(section.get("port", "29418")), section["project"])
        except (configparser.Error, KeyError, ValueError) as error:
            raise RefusedError(f"cannot read .gitreview of {repository}: {error}") from error
        if place.host.startswith("-") or not place.project.strip("/"):
            raise RefusedError(f".gitreview of {repository} does not name a host and a project")
        return place

    def url(self, user: str = "", server: str = "") -> str:
        """Return the URL to push to, by ssh or below another `server`."""
        if server:
            return check_url(f"{server.rstrip('/')}/{self.project}")
        login = f"{user}@" if user else ""
        return check_url(f"ssh://{login}{self.host}:{self.port}/{self.project}")


def review_ref(branch: str) -> str:
    """Return the ref that makes reviews for a branch; raises RefusedError for an invalid name.

    After a `%` in it, Gerrit would expect options.

    >>> review_ref("epoxy-rdo")
    'refs/for/epoxy-rdo'
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/+-]*", branch):
        raise RefusedError(f"cannot make a review for a branch named {branch!r}")
    return f"refs/for/{branch}"


def with_change_ids(clone: Clone, base: str, head: str) -> str:
    """Give each commit of `head` that is not in `base` a Change-Id; return the last hash.

    No branch moves. A commit with a Change-Id stays the same if all commits below it do.
    """
    new: dict[str, str] = {}
    for commit in clone.plumb("rev-list", "--topo-order", "--reverse", f"{base}..{head}").split():
        shown = clone.plumb(
            "log", "--max-count=1", "--date=raw", f"--format={_PARTS}", commit, "--"
        )
        tree, parents, name, email, date, message = shown.split("\x1f", 5)
        kept = [new.get(parent, parent) for parent in parents.split()]
        marked = _marked(clone, message, change_id(tree, parents, name, email, date, message))
        if kept == parents.split() and marked == message.rstrip("\n"):
            continue
        author = {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_AUTHOR_DATE": date,
        }
        command = ("commit-tree", tree, *(part for parent in kept for part in ("-p", parent)))
        text = f"{marked}\n".encode(errors="surrogateescape")
        new[commit] = clone.plumb(*command, env=author, stdin=text)
    last = clone.resolve(head)
    return new.get(last, last)


def _marked(clone: Clone, message: str, name: str) -> str:
    """Return a commit message with a Change-Id in its last paragraph, as git adds trailers."""
    trailer = ("--if-exists", "doNothing", "--trailer", f"Change-Id: {name}")
    text = message.rstrip("\n") + "\n"
    stdin = text.encode(errors="surrogateescape")
    return clone.plumb("interpret-trailers", "--no-divider", *trailer, stdin=stdin)


def change_id(*parts: str) -> str:
    """Return the Change-Id of a review, the same for the same parts."""
    text = "\0".join(parts).encode(errors="surrogateescape")
    return f"I{hashlib.sha1(text, usedforsecurity=False).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to put up for review: lines added at the end of a file, and the reviewers."""

    branch: str
    base: str
    file: str
    added: str
    message: str
    author: str
    email: str
    when: datetime
    topic: str
    reviewers: Sequence[str] = ()


def propose(mirror: Mirror, url: str, proposal: Proposal, *, runner: Runner = run) -> str:
    """Push a proposal for review and return Gerrit's answer.

    The same proposal has the same hash and Change-Id, so pushing it again makes no second review.
    Reviewers unknown to Gerrit are left out. Raises NotFoundError if the file is missing,
    CommandError if the push fails.
    """
    ref = review_ref(proposal.branch)
    with tempfile.TemporaryDirectory(prefix="rdo-review-") as scratch:
        clone = Path(scratch) / "clone"
        head = _commit(mirror, clone, proposal, runner)
        options = f"%topic={proposal.topic}"
        who = "".join(f",r={name}" for name in proposal.reviewers)
        try:
            return _push(clone, url, f"{head}:{ref}{options}{who}", runner)
        except CommandError as error:
            if not who or not _is_about_reviewers(error, proposal.reviewers):
                raise
        return _push(clone, url, f"{head}:{ref}{options}", runner)


def _commit(mirror: Mirror, clone: Path, proposal: Proposal, runner: Runner) -> str:
    mirror.checkout(proposal.base, clone)
    file = clone / proposal.file
    if file.is_symlink() or not file.is_file():
        raise NotFoundError(f"{mirror.path.name} has no file {proposal.file}")
    content = file.read_bytes()
    newline = b"" if content.endswith(b"\n") or not content else b"\n"
    file.write_bytes(content + newline + proposal.added.encode())
    stamp = f"{int(proposal.when.timestamp())} +0000"
    who: dict[str, str | None] = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", proposal.author), ("EMAIL", proposal.email), ("DATE", stamp))
    }
    git = ("git", "-C", clone, "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false")
    runner(*git, "add", "--", proposal.file, env=ENVIRONMENT)
    command = (*git, "commit", "--quiet", "--cleanup=verbatim", "--file=-")
    runner(*command, env={**ENVIRONMENT, **who}, stdin=proposal.message.encode())
    return runner(*git, "rev-parse", "HEAD", env=ENVIRONMENT).stdout.strip()


def _push(clone: Path, url: str, refspec: str, runner: Runner) -> str:
    environment: dict[str, str | None] = {**ENVIRONMENT, "GIT_SSH_COMMAND": _SSH}
    with git_address(check_url(url)) as remote:
        push = (*remote.options, "push", "--quiet", "--", remote.url, refspec)
        done = runner(
            *("git", "-C", str(clone), *push),
            env=environment,
            timeout=PUSH_TIMEOUT_SECONDS,
            ok=(0, 1),
        )
    if done.returncode and "no new changes" not in done.stderr:
        raise CommandError(f"git push {refspec.partition(':')[2]}: {done.stderr.strip()[-1500:]}")
    return done.stderr.strip()


def _is_about_reviewers(error: CommandError, reviewers: Sequence[str]) -> bool:
    """Whether Gerrit complains about an unknown account."""
    said = str(error).lower()
    words = ("reviewer", "user", "account", "not found", "does not identify")
    return any(word in said for word in words) and any(name.lower() in said for name in reviewers)
