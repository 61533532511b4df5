"""The answers of a lab's web server: files, and mirror lists with addresses inside the lab.

The served trees contain the address of the factory, which no host of a lab can reach.
"""

import http.server
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

MIRRORLIST = "mirrorlist"  # as in `rdo.model.repo_file`, which this program does not import


class LabFiles(http.server.SimpleHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        file = Path(self.translate_path(self.path))
        if file.name != MIRRORLIST or not file.is_file():
            super().do_GET()
            return
        place = file.parent.resolve().relative_to(Path(self.directory).resolve())
        host, port = self.connection.getsockname()[:2]
        url = f"http://{host}" if port == 80 else f"http://{host}:{port}"
        text = "".join(f"{one}\n" for one in here(file.read_text().split(), place.parts, url))
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


def here(said: Sequence[str], place: Sequence[str], url: str) -> list[str]:
    """Return the addresses of a mirror list moved to `url`; the first one is that of `place`.

    Addresses elsewhere are left out.

    >>> here(["http://x/t/deps/2/", "http://x/t/deps/1/", "http://y/"], ["t", "deps", "2"], "http://l")
    ['http://l/t/deps/2/', 'http://l/t/deps/1/']
    """
    own = f"{url}/{'/'.join(place)}/"
    if not said:
        return [own]
    words = [word for word in urlsplit(said[0]).path.split("/") if word]
    same = 0
    while same < min(len(words), len(place)) and words[-same - 1] == place[-same - 1]:
        same += 1
    theirs = said[0].rstrip("/").removesuffix("/".join(words[len(words) - same :]))
    ours = own.rstrip("/").removesuffix("/".join(place[len(place) - same :]))
    others = (one for one in said[1:] if same and one.startswith(theirs))
    return [own, *(ours + one.removeprefix(theirs) for one in others)]
