"""Make the distgit that `rdo init` is called in the first package of the new metadata."""

from pathlib import Path

from rdo.errors import UserError
from rdo.model.text.url import without_secret
from rdo.spec.macros import has_macros
from rdo.spec.tags import get_tag
from rdo.spec.text import SpecText
from rdo.starter import FirstPackage
from rdo.tools.git.clone import Clone

_FORGES = tuple(
    f"https://{host}/" for host in ("github.com", "gitlab.com", "opendev.org", "codeberg.org")
)


def package_here(folder: Path) -> FirstPackage | None:
    """Return `folder` as a package if it is a distgit with a known upstream, else None.

    A distgit is a git clone with one spec at its top. Its upstream is the remote `upstream`, or
    else the URL in the spec if that is a repository on a forge. Passwords in URLs are left out.
    """
    specs = list(folder.glob("*.spec"))
    if len(specs) != 1 or not specs[0].is_file():
        return None
    clone = Clone(folder)
    try:
        clone.check()
        remotes = clone.remotes()
        upstream = without_secret(remotes.get("upstream", "")) or _url(specs[0])
        is_top = clone.top.resolve() == folder.resolve()
        branch = clone.branch
    except UserError:
        return None
    if not (is_top and branch and upstream):
        return None
    distgit = without_secret(remotes.get("origin", "")) or folder.absolute().as_uri()
    return FirstPackage(specs[0].stem, upstream, distgit, branch)


def _url(spec: Path) -> str:
    """Return the URL in a spec if it is a repository on a forge, else ""."""
    url = get_tag(SpecText.parse(spec.read_bytes()), "URL")
    return url if url.startswith(_FORGES) and not has_macros(url) else ""
