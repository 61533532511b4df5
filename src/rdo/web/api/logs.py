"""The log of a build, in parts, also while it grows."""

import os
from contextlib import closing

from starlette.responses import Response

from rdo.model.build import BUILD_LOG
from rdo.store.builds import BuildState
from rdo.web.answers import ApiError
from rdo.web.service import WebServer

MOST_BYTES = 1_000_000


def part(server: WebServer, target: str, build_id: int, offset: int) -> Response:
    """Return a part of a log. Raises ApiError 404 if there is no such build or no log of it."""
    with server.store.read() as at:
        build = at.history.get(target, build_id)
    if build is None:
        raise ApiError(404, f"{target} has no build {build_id}")
    file = server.settings.target_folder(target) / "builds" / str(build.id) / BUILD_LOG
    try:
        # the folder is ours, and a link in place of the file is followed by nobody
        with closing(os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb")) as opened:
            size = os.fstat(opened.fileno()).st_size
            opened.seek(min(offset, size))
            content = opened.read(MOST_BYTES)
    except OSError:
        raise ApiError(404, f"build {build_id} has no log, or none any more") from None
    end = min(offset, size) + len(content)
    headers = {
        "X-Next-Offset": str(end),
        "X-Log-Complete": str(build.state is BuildState.DONE and end >= size).lower(),
    }
    return Response(content, headers=headers, media_type="text/plain; charset=utf-8")
