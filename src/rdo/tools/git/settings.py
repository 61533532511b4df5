"""The settings with which we always run git: the same output, whoever runs it.

A user's `~/.gitconfig` and the machine's `/etc/gitconfig` affect what git prints, stores and
exchanges. `FIXED` overrides that for every call, even against the settings of a repository. In a
maintainer's clone `kept` goes further: of the user's own settings only those remain that give their
identity, how a server is reached, and which files are ignored. So no setting that we have not
thought of has an effect, such as the driver of a file type.
"""

import re
from collections.abc import Iterable, Sequence

Setting = tuple[str, str]

# Settings override those of every file, including a repository's own `diff` or `log` section.
FIXED: tuple[Setting, ...] = (
    ("apply.ignoreWhitespace", "no"),
    ("apply.whitespace", "warn"),
    ("am.keepcr", "false"),
    ("am.threeWay", "false"),
    ("color.ui", "false"),
    ("color.diff", "false"),
    ("commit.cleanup", "default"),
    ("commit.template", "/dev/null"),
    ("commit.verbose", "false"),
    ("core.abbrev", "auto"),
    ("core.attributesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.bigFileThreshold", "512m"),
    ("core.commentChar", "#"),
    ("core.fsmonitor", "false"),
    ("core.ignoreCase", "false"),
    ("core.pager", "cat"),
    ("core.quotePath", "true"),
    ("core.safecrlf", "false"),
    ("core.symlinks", "true"),
    ("core.whitespace", "blank-at-eol,space-before-tab,blank-at-eof"),
    ("diff.algorithm", "default"),
    ("diff.colorMoved", "no"),
    ("diff.context", "3"),
    ("diff.dstPrefix", "b/"),
    ("diff.external", ""),
    ("diff.ignoreSubmodules", "none"),
    ("diff.indentHeuristic", "true"),
    ("diff.interHunkContext", "0"),
    ("diff.mnemonicPrefix", "false"),
    ("diff.noprefix", "false"),
    ("diff.orderFile", "/dev/null"),
    ("diff.relative", "false"),
    ("diff.renames", "true"),
    ("diff.srcPrefix", "a/"),
    ("diff.submodule", "short"),
    ("diff.suppressBlankEmpty", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("format.attach", ""),
    ("format.coverLetter", "false"),
    ("format.encodeEmailHeaders", "true"),
    ("format.forceInBodyFrom", "false"),
    ("format.from", "false"),
    ("format.mboxrd", "false"),
    ("format.notes", "false"),
    ("format.numbered", "auto"),
    ("format.pretty", "medium"),
    ("format.signOff", "false"),
    ("format.signature", ""),
    ("format.subjectPrefix", "PATCH"),
    ("format.suffix", ".patch"),
    ("format.thread", "false"),
    ("format.useAutoBase", "false"),
    ("format.filenameMaxLength", "64"),
    ("format.noprefix", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("log.abbrevCommit", "false"),
    ("log.date", "default"),
    ("log.decorate", "no"),
    ("log.diffMerges", "separate"),
    ("log.follow", "false"),
    ("log.showRoot", "true"),
    ("log.showSignature", "false"),
    ("mailinfo.scissors", "false"),
    ("merge.renames", "true"),
    ("push.followTags", "false"),
    ("push.recurseSubmodules", "no"),
    ("rebase.abbreviateCommands", "false"),
    ("rebase.autoSquash", "false"),
    ("rebase.autoStash", "false"),
    ("rebase.backend", "merge"),
    ("rebase.instructionFormat", "%s"),
    ("rebase.missingCommitsCheck", "ignore"),
    ("rebase.rebaseMerges", "false"),
    ("rebase.rescheduleFailedExec", "false"),
    ("rebase.stat", "false"),
    ("rebase.updateRefs", "false"),
    ("rerere.enabled", "false"),
    ("submodule.recurse", "false"),
    ("tag.forceSignAnnotated", "false"),
    ("tag.gpgSign", "false"),
)
# Of a user's own settings, all others are left out in a maintainer's clone.
_KEPT = re.compile(
    r"(user|author|committer|credential|http|https|ssh|url|protocol|safe|gpg|filter|gitreview)\..+"
    r"|core\.(sshcommand|gitproxy|askpass|excludesfile|hookspath|editor)"
    r"|commit\.gpgsign|init\.templatedir|merge\.conflictstyle|rdopkg\..+",
    re.IGNORECASE,
)
# Variables with the effect of settings.
_VARIABLES = (
    *("GIT_DIFF_OPTS", "GIT_EXTERNAL_DIFF", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS"),
    *("GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_NOTES_REF", "GIT_NOTES_DISPLAY_REF"),
    *("GIT_ATTR_SOURCE", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_DEFAULT_HASH"),
    *("GIT_MERGE_VERBOSITY", "GIT_PAGER"),
)


def variables(settings: Sequence[Setting] = FIXED) -> dict[str, str | None]:
    """Return the environment variables that give git these settings, and no others.

    >>> variables([("core.pager", "cat")])["GIT_CONFIG_KEY_0"]
    'core.pager'
    """
    rows: dict[str, str | None] = {**dict.fromkeys(_VARIABLES), "GIT_ATTR_NOSYSTEM": "1"}
    rows["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings):
        rows |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return rows


def kept(listed: str) -> dict[str, str | None]:
    """Return the variables for a maintainer's clone, from `git config --list -z --show-scope`.

    The user's files are not read; their kept settings are passed in the variables, each followed by
    those of the clone, which they must not override.
    """
    rows = list(_scoped(listed))
    has_own = any(scope in ("system", "global") for scope, _, _ in rows)
    passed = [(key, value) for _, key, value in rows if has_own and _KEPT.fullmatch(key)]
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return {**variables((*passed, *FIXED)), **own}


def _scoped(listed: str) -> Iterable[tuple[str, str, str]]:
    """Yield scope, key and value; a setting without a value is true."""
    parts = listed.split("\0")
    for scope, setting in zip(parts[::2], parts[1::2], strict=False):
        key, has_value, value = setting.partition("\n")
        yield scope, key, value if has_value else "true"
