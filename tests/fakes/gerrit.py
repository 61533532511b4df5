"""A fake Gerrit: a bare repository that accepts only reviews, and an ssh that connects to it."""

import json
from pathlib import Path

from tests.conftest import GitRepository

HOST = "review.example.test"

# What Gerrit does with a push to refs/for: a Change-Id is needed in each commit that the branch
# has not, a known one is a new patch set or, with the same commit, refused; reviewers must have
# accounts.
_HOOK = r"""#!/bin/sh
set -eu
ref=$1 new=$3
case $ref in refs/for/*) ;; *) echo "prohibited by Gerrit" >&2; exit 1;; esac
case $ref in *r=nobody@*) echo "error: nobody@example.org not found" >&2; exit 1;; esac
branch=refs/heads/${ref#refs/for/}
if git show-ref --quiet --verify "$branch"; then
    commits=$(git rev-list "$branch..$new")
else
    commits=$new
fi
id_of() { git log -1 --format=%B "$1" | sed -n 's/^Change-Id: \(I[0-9a-f]\{40\}\)$/\1/p'; }
for commit in $commits; do
    [ -n "$(id_of "$commit")" ] || { echo "missing Change-Id in message footer" >&2; exit 1; }
done
id=$(id_of "$new")
if grep -q "^$id $new" changes 2>/dev/null; then echo "no new changes" >&2; exit 1; fi
echo "$id $new $ref" >> changes
git update-ref "refs/changes/$(wc -l < changes)" "$new"
"""

# No such ref stays, so that each push is looked at.
_AFTER = """#!/bin/sh
for ref; do git update-ref -d "$ref"; done
"""

# Only what is announced here is understood, and only by this one host.
_SSH = r"""#!/bin/sh
while :; do
    case $1 in -o|-p) shift 2;; --) shift;; *) break;; esac
done
who=$1; shift
case $who in
    *@HOST|HOST) ;;
    *) echo "ssh: connect to host $who port 29418: Connection refused" >&2; exit 255;;
esac
case "$*" in
    "gerrit query --format=JSON "*) exec cat "FOLDER/answer";;
    git-upload-pack*|git-receive-pack*) eval "set -- $*"; exec "$1" "FOLDER/$2";;
esac
echo "unannounced: $*" >&2
exit 2
"""


class FakeGerrit:
    """A project on a Gerrit. Git reaches it by its path, or by `url` with `ssh` on the PATH."""

    def __init__(self, folder: Path, project: str) -> None:
        self.path = folder / project
        self.url = f"ssh://me@{HOST}:29418/{project}"
        self.repository = GitRepository(folder / "work")
        self.repository.git("init", "--quiet", "--bare", str(self.path))
        _program(self.path / "hooks/update", _HOOK)
        _program(self.path / "hooks/post-update", _AFTER)
        self.ssh = folder / "bin"
        self.ssh.mkdir()
        _program(self.ssh / "ssh", _SSH.replace("HOST", HOST).replace("FOLDER", str(folder)))
        self._answer = folder / "answer"
        self._answer.touch()

    def git(self, *args: str) -> str:
        return self.repository.git(f"--git-dir={self.path}", *args)

    def changes(self) -> list[str]:
        """A line for each push: Change-Id and hash of the newest commit, and the ref."""
        file = self.path / "changes"
        return file.read_text().splitlines() if file.exists() else []

    def has(self, repository: GitRepository, source: str, ref: str) -> None:
        """Add a commit to the server without a review."""
        self.git("fetch", "--quiet", repository.url, f"{source}:{ref}")

    def answer(self, number: int, ref: str, verified_by: str = "") -> None:
        """Let queries return one change from now on."""
        vote = {"type": "Verified", "value": "1", "by": {"username": verified_by}}
        approvals = [vote] if verified_by else []
        change = {"number": number, "currentPatchSet": {"ref": ref, "approvals": approvals}}
        rows = [change, {"type": "stats", "rowCount": 1}]
        self._answer.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def _program(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)
