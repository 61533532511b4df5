"""fedpkg's verbs around git: `commit`, `tag`, `push`, `pull`, `switch-branch`, `retire` …"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rdo.cli import output
from rdo.cli.pkg.everyday.lookaside import known_site, site_option
from rdo.cli.pkg.group import desk, desk_in_git, effect_options

if TYPE_CHECKING:
    from rdo.distgit.verb.desk import Desk


def _message_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the message of a commit or a tag."""
    for option in (
        click.option("--raw", is_flag=True, help="Keep the hyphens of the changelog entry."),
        click.option(
            "--file", "-F", default="", metavar="FILE", help="Read the message from FILE."
        ),
        click.option(
            "--clog", "-c", is_flag=True, help="Take the newest changelog entry as the message."
        ),
        click.option("--message", "-m", default="", help="The message."),
    ):
        command = option(command)
    return command


@click.command()
@_message_options
@click.option("--with-changelog", is_flag=True, help="Add the newest changelog entry to --message.")
@click.option("--tag", "-t", "is_tagged", is_flag=True, help="Tag the commit, as `tag` does.")
@click.option("--push", "-p", "is_pushed", is_flag=True, help="Push the commit, as `push` does.")
@click.option("--signoff", "-s", is_flag=True, help="Add a Signed-off-by line.")
@click.argument("files", nargs=-1)
@site_option
@effect_options
def commit(
    message: str,
    clog: bool,
    file: str,
    raw: bool,
    with_changelog: bool,
    is_tagged: bool,
    is_pushed: bool,
    signoff: bool,
    files: tuple[str, ...],
    site: str,
    dry_run: bool,
) -> None:
    """Commit the changes of tracked files (default: of all of them).

    Without a message, git's editor opens. If the push is refused, nothing is committed.

    \b
    rdo pkg commit --clog
    rdo pkg commit -m "Rebuild for Python 3.14" --push
    """
    from rdo.distgit.everyday import history
    from rdo.distgit.verb.actions import change

    here = desk_in_git()
    choice = history.MessageChoice(message, file, clog, with_changelog, raw)

    def act(there: "Desk") -> None:
        history.commit(there, choice, files, is_signed_off=signoff)
        if is_tagged:
            name = history.tag(there, "", history.MessageChoice(), is_forced=False)
            there.say(f"Tag '{name}' was created")
        if is_pushed:
            history.push(there, known_site(here, site))

    change(here, "commit", act, is_dry=dry_run)


@click.command()
@_message_options
@click.option("--force", "-f", is_flag=True, help="Replace a tag of that name.")
@click.option("--list", "-l", "is_list", is_flag=True, help="List the tags.")
@click.option("--delete", "-d", is_flag=True, help="Delete TAG from this clone.")
@click.argument("tag_name", metavar="[TAG]", required=False, default="")
@effect_options
def tag(
    message: str,
    clog: bool,
    file: str,
    raw: bool,
    force: bool,
    is_list: bool,
    delete: bool,
    tag_name: str,
    dry_run: bool,
) -> None:
    """Tag HEAD (default: with name, version and release), or list or delete tags."""
    from rdo.distgit.everyday import history
    from rdo.distgit.verb.actions import change

    here = desk_in_git()
    if is_list:
        output.say("\n".join(here.clone.tags()))
        return
    choice = history.MessageChoice(message, file, clog, is_raw=raw)

    def act(there: "Desk") -> None:
        if delete:
            history.delete_tag(there, tag_name)
        else:
            name = history.tag(there, tag_name, choice, is_forced=force)
            there.say(f"Tag '{name}' was created")

    change(here, "tag", act, is_dry=dry_run)


@click.command()
@click.option(
    "--force",
    "-f",
    is_flag=True,
    help="Replace the remote branch if it has not changed since the last fetch.",
)
@click.option("--no-verify", is_flag=True, help="Skip the check of the sources and git's hook.")
@site_option
@effect_options
def push(force: bool, no_verify: bool, site: str, dry_run: bool) -> None:
    """Push the branch to its remote, if each source is in git or in the cache."""
    from rdo.distgit.everyday import history
    from rdo.distgit.verb.actions import change

    here = desk_in_git()
    known = known_site(here, site)

    def act(there: "Desk") -> None:
        history.push(there, known, is_forced=force, is_checked=not no_verify)

    change(here, "push", act, is_dry=dry_run)


@click.command()
@click.option(
    "--rebase/--no-rebase",
    default=None,
    help="Rebase your commits onto the fetched ones, or merge. Default: git's pull.rebase.",
)
@effect_options
def pull(rebase: bool | None, dry_run: bool) -> None:
    """Fetch and integrate new commits; a conflict leaves everything as it was."""
    from rdo.distgit.everyday import history
    from rdo.distgit.verb.actions import change

    change(
        desk(),
        "pull",
        lambda there: history.pull(there, is_rebase=rebase),
        is_dry=dry_run,
        is_clean=True,
    )


def _show_changes(text: str, as_json: bool) -> None:
    """Print a diff; print nothing on stdout if it is empty, because scripts test that."""
    if text or as_json:
        output.show({"diff": text}, as_json, text)
    else:
        output.say("no changes", err=True)


@click.command()
@click.option("--cached", is_flag=True, help="Show only what is staged.")
@click.argument("files", nargs=-1)
@output.json_option
def diff(cached: bool, files: tuple[str, ...], as_json: bool) -> None:
    """Show the changes that are not committed."""
    from rdo.distgit.everyday.history import changes

    here = desk_in_git(as_json=as_json)
    text = changes(here, files, is_staged=cached)
    _show_changes(text, as_json)


@click.command()
@output.json_option
def new(as_json: bool) -> None:
    """Show what has changed since the newest tag, uncommitted changes included."""
    from rdo.distgit.everyday.history import changes_since_tag

    here = desk_in_git(as_json=as_json)
    text = changes_since_tag(here)
    _show_changes(text, as_json)


@click.command()
@click.option(
    "-x",
    "also_ignored",
    is_flag=True,
    help="Also remove ignored files; undo cannot restore these.",
)
@effect_options
def clean(also_ignored: bool, dry_run: bool) -> None:
    """Remove the files that git does not track."""
    from rdo.distgit.everyday.history import clean as remove
    from rdo.distgit.verb.actions import change

    change(desk(), "clean", lambda there: remove(there, also_ignored=also_ignored), is_dry=dry_run)


@click.command()
@click.argument("branch", required=False, default="")
@click.option("--list", "-l", "is_list", is_flag=True, help="List the branches.")
@click.option("--fetch", is_flag=True, help="Ask origin for its branches first.")
@effect_options
def switch_branch(branch: str, is_list: bool, fetch: bool, dry_run: bool) -> None:
    """Check out a branch; one that only origin has gets a local branch that tracks it."""
    from rdo.distgit.everyday.branches import branches, switch
    from rdo.distgit.verb.actions import change

    here = desk_in_git()
    if is_list or not branch:
        if fetch and not dry_run:
            here.clone.fetch("origin")
        local, remote = branches(here)
        here_now = here.clone.branch
        said = ["Locals:", *(f"{'*' if name == here_now else ' '} {name}" for name in local)]
        said.append("Remotes:")
        said += [f"  origin/{name}" for name in remote]
        output.say("\n".join(said))
        return

    def act(there: Any) -> None:
        if fetch:
            there.clone.fetch("origin")
        there.say(switch(there, branch))

    change(here, "switch-branch", act, is_dry=dry_run, is_clean=True)


@click.command()
@click.argument("reason")
@click.option(
    "--push", "-p", "is_pushed", is_flag=True, help="Push the commit at once, as fedpkg does."
)
@site_option
@effect_options
def retire(reason: str, is_pushed: bool, site: str, dry_run: bool) -> None:
    """Remove all files of a package that is no longer wanted, and leave REASON in dead.package."""
    from rdo.distgit.everyday import history
    from rdo.distgit.everyday.retire import retire as leave_reason
    from rdo.distgit.verb.actions import change

    here = desk_in_git()
    known = known_site(here, site)

    def act(there: "Desk") -> None:
        leave_reason(there, reason, known)
        if is_pushed:
            history.push(there, known)

    change(here, "retire", act, is_dry=dry_run, is_clean=True)
