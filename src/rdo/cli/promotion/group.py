"""`rdo promotion`: decide whether a repository can be given to users."""

import click

from rdo.cli.lazy import Lazy, LazyGroup

_EXPLAIN = "rdo.cli.promotion.explain"
_PROMOTE = "rdo.cli.promotion.promote"
_RUN = "rdo.cli.promotion.run"
_VOTES = "rdo.cli.promotion.votes"


@click.group(
    cls=LazyGroup,
    lazy={
        "check": Lazy("rdo.cli.promotion.check", "check", "Check a repository as a whole."),
        "vote": Lazy(_VOTES, "vote", "Record the verdict of a job on a repository."),
        "votes": Lazy(_VOTES, "votes", "List the votes of jobs."),
        "promote": Lazy(_PROMOTE, "promote", "Point a promotion name at a repository."),
        "run": Lazy(_RUN, "run", "Promote by criteria: the promoter."),
        "status": Lazy(
            _RUN, "status", "Show where names lead, and which criteria candidates miss."
        ),
        "import": Lazy(_RUN, "import_", "Print criteria of RDO's promoter scripts as TOML."),
        "explain": Lazy(_EXPLAIN, "explain", "Show why a name is not newer."),
        "held": Lazy(_EXPLAIN, "held", "Show what a name holds back."),
        "rollback": Lazy(_PROMOTE, "rollback", "Point a promotion name back."),
        "contract": Lazy(
            "rdo.cli.promotion.contract", "contract", "Check contracts between repositories."
        ),
        "history": Lazy(_PROMOTE, "history", "Show the moves of a name."),
    },
)
def promotion() -> None:
    """Find out whether a repository can be given to users, and give it to them."""
