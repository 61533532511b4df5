"""`rdo repo`: the repositories of a target, as hosts install from them."""

import click

from rdo.cli.lazy import Lazy, LazyGroup

_LOOK, _MAKE = "rdo.cli.repo.look", "rdo.cli.repo.make"
_SIGN = "rdo.cli.repo.sign"


@click.group(
    cls=LazyGroup,
    lazy={
        "list": Lazy(_LOOK, "list_", "List the repositories in the tree, newest first."),
        "show": Lazy(_LOOK, "show", "Show the builds that a repository contains."),
        "diff": Lazy("rdo.cli.repo.diff", "diff", "Compare two repositories, with the commits."),
        "files": Lazy(_LOOK, "files", "List a repository's RPMs, or the files of one RPM."),
        "whatprovides": Lazy(
            _LOOK, "whatprovides", "Show which RPMs provide a capability or file."
        ),
        "contains": Lazy(
            "rdo.cli.repo.contains", "contains", "Show where a commit, fix or version is."
        ),
        "deps": Lazy("rdo.cli.repo.deps", "deps", "Show what a target takes from others."),
        "compose": Lazy(_MAKE, "compose", "Compose a repository of any set of builds."),
        "export": Lazy(_MAKE, "export_", "Copy a repository into a folder of its own."),
        "evidence": Lazy(
            "rdo.cli.repo.evidence", "evidence", "Show what a build was made from, as an SBOM."
        ),
        "import": Lazy(
            "rdo.cli.repo.import_", "import_", "Import what another instance has published."
        ),
        "push": Lazy("rdo.cli.repo.push", "push_", "Push repositories to mirrors."),
        "release-rpm": Lazy(
            "rdo.cli.repo.release", "release_rpm", "Build the package that lets hosts install."
        ),
        "sign-key": Lazy(_SIGN, "sign_key", "Make, show and replace the key that signs a target."),
        "sign": Lazy(_SIGN, "sign", "Sign what was published before the target had a key."),
    },
    sections={
        "Looking": (
            "list",
            "show",
            "diff",
            "files",
            "whatprovides",
            "contains",
            "deps",
            "evidence",
        ),
        "Making": ("compose", "import", "export", "release-rpm"),
        "Handing out": ("push",),
        "Signing": ("sign-key", "sign"),
    },
)
def repo() -> None:
    """Work on the repositories of a target, as hosts install from them.

    \b
    A REPOSITORY is
      a name                       consistent
      a name at a moment (UTC)     consistent@2026-11-20T10:00
      current at a moment          @2026-11-20T10:00
      its path, or the start of    1a/2b/1a2b3c4d…_5e6f7a8b
      its last part                1a2b3c4d
    """
