"""`retire`: remove all files of a package from dist-git except the reason."""

from fnmatch import fnmatchcase

from rdo.atomic import write_file
from rdo.distgit.everyday.identity import branch_of
from rdo.distgit.everyday.sites import DistgitSite
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.problems import RETIRED_FILES, refuse_retired
from rdo.errors import RefusedError


def retire(desk: Desk, reason: str, site: DistgitSite | None) -> None:
    """Remove all files, write the reason into dead.package, and commit with the reason as message.

    Raises RefusedError if there is no reason, if the package is retired already, or on a branch
    where the site does not allow retiring.
    """
    refuse_retired(desk.folder)
    if not reason.strip():
        raise RefusedError("retire needs a reason")
    allowed, branch = site.retire_on if site else (), branch_of(desk)
    if allowed and not any(fnmatchcase(branch, one) for one in allowed):
        raise RefusedError(
            f"packages of {site.title if site else ''} are not retired on {branch}",
            hint=f"only on {', '.join(allowed)}; packages stay in stable releases",
        )
    place = desk.folder / RETIRED_FILES[0]
    desk.clone.remove(desk.clone.tracked_files)
    text = f"{reason.strip()}\n".encode(errors="surrogateescape")
    desk.clone.will_write(place, text)
    write_file(place, text)
    desk.clone.add([place.name])
    desk.clone.commit_files(f"{reason.strip()}\n")
    desk.say(f"retired on {branch}: {reason.strip()}")
