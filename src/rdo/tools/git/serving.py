"""Run git's own server programs, for clones and pushes."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from rdo.errors import RefusedError
from rdo.run import hand_over, run, run_with_files
from rdo.tools.git.mirror import ENVIRONMENT
from rdo.tools.git.settings import FIXED, variables

MOST_PUSHED_BYTES = 256 << 20
"""The largest size of a push: large files belong in a lookaside cache."""
TIMEOUT_SECONDS = 3600.0
_BIG_FILE_BYTES = 16 << 20
_SETTINGS = (
    ("receive.fsckObjects", "true"),
    ("receive.maxInputSize", str(MOST_PUSHED_BYTES)),
    ("receive.autogc", "false"),
    ("receive.advertisePushOptions", "false"),
    ("receive.denyDeleteCurrent", "refuse"),
    ("receive.unpackLimit", "1"),
    ("transfer.hideRefs", "refs/rdo"),
    ("uploadpack.allowFilter", "true"),
    ("core.fsync", "committed,reference"),
    ("core.fsyncMethod", "fsync"),
)


class GitService(StrEnum):
    """A program that git runs on a server; clients name it with `git-` before it."""

    FETCH = "upload-pack"
    PUSH = "receive-pack"


@dataclass(frozen=True, slots=True)
class GitHooks:
    """The folder with the programs that git runs when something is pushed.

    `command` is the command line that checks a push; the name of the hook and the path of the
    repository's folder are appended.
    """

    folder: Path
    command: str

    def write(self) -> None:
        """Write the hooks, if they do not exist or differ.

        git ignores a hook that it cannot run, so each appears complete and executable.
        """
        self.folder.mkdir(exist_ok=True)
        for name in ("pre-receive", "post-receive"):
            place, text = self.folder / name, f"#!/bin/sh\nexec {self.command} {name}\n"
            if place.is_file() and place.read_text() == text and os.access(place, os.X_OK):
                continue
            descriptor, new = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fchmod(descriptor, 0o755)
                os.fsync(descriptor)
            Path(new).replace(place)


@dataclass(frozen=True, slots=True)
class GitServing:
    """One repository that is served; hooks get the name of the pushing user in `person`."""

    repository: Path
    hooks: GitHooks
    person: str = ""
    protocol: str = ""

    def serve(self, service: GitService) -> int:
        """Serve over our own standard input and output; return git's exit status."""
        return hand_over(*self._command(service), env=self._environment(service))

    def advertise(self, service: GitService) -> bytes:
        """Return the refs of the repository, as the beginning of a conversation by HTTP."""
        options = ("--stateless-rpc", "--http-backend-info-refs")
        env = self._environment(service)
        return run(*self._command(service, *options), env=env, timeout=TIMEOUT_SECONDS).raw

    def answer(self, service: GitService, asked: IO[bytes], answer: IO[bytes]) -> str:
        """Answer one HTTP request from file to file; return git's error message."""
        done = run_with_files(
            *self._command(service, "--stateless-rpc"),
            stdin=asked,
            stdout=answer,
            env=self._environment(service),
            timeout=TIMEOUT_SECONDS,
        )
        return done.stderr.strip() or "git failed" if done.returncode else ""

    def _command(self, service: GitService, *options: str) -> tuple[str | Path, ...]:
        return ("git", str(service), *options, self.repository)

    def _environment(self, service: GitService) -> Mapping[str, str | None]:
        settings = [*FIXED, *_SETTINGS, ("core.bigFileThreshold", str(_BIG_FILE_BYTES))]
        settings += [("safe.directory", str(self.repository))]
        settings += [("core.hooksPath", str(self.hooks.folder))]
        if service is GitService.PUSH:
            self.hooks.write()
        return {
            **ENVIRONMENT,
            **variables(settings),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROTOCOL": self.protocol or None,
            "RDO_DISTGIT_PERSON": self.person,
        }


def parse_request(command: str) -> tuple[GitService, str]:
    """Return the service and the path that a client asks for by ssh; raises RefusedError.

    >>> parse_request("git-upload-pack '/rpms/foo.git'")
    (<GitService.FETCH: 'upload-pack'>, '/rpms/foo.git')
    """
    program, _, rest = command.partition(" ")
    name = program.removeprefix("git-") if program != "git" else ""
    if not name:
        name, _, rest = rest.partition(" ")
    path = rest.strip()
    if len(path) > 1 and path[0] == path[-1] == "'":
        path = path[1:-1]
    if name not in list(GitService) or not path or "'" in path:
        raise RefusedError("this server takes git's clone, fetch and push only")
    return GitService(name), path
