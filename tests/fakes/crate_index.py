"""A sparse index of crates below a folder, served on loopback."""

import contextlib
import functools
import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
MANIFEST = '[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n{more}'


def write_archive(path: Path, files: dict[str, str], links: dict[str, str] | None = None) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))


def lock_row(name: str, version: str, source: str, checksum: str) -> str:
    text = f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "{source}"\n'
    return text + (f'checksum = "{checksum}"\n' if checksum else "")


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class CrateIndex:
    """A sparse index below a folder that is served, and a source that needs its crates."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.rows: list[str] = []
        (folder / "config.json").write_text(json.dumps({"dl": f"{url}/dl"}))

    def add(
        self, name: str, version: str, *, top: str = "", links: dict[str, str] | None = None
    ) -> Path:
        file = self.folder / "dl" / name / version / "download"
        file.parent.mkdir(parents=True)
        top = top or f"{name}-{version}"
        files = {
            f"{top}/Cargo.toml": MANIFEST.format(name=name, version=version, more=""),
            f"{top}/src/lib.rs": "pub fn two() -> i32 { 2 }\n",
        }
        write_archive(file, files, links)
        checksum = hashlib.sha256(file.read_bytes()).hexdigest()
        self.rows.append(lock_row(name, version, CRATES_IO, checksum))
        return file

    def source(self, path: Path, *, lock: str = "Cargo.lock") -> Path:
        text = 'version = 3\n[[package]]\nname = "demo"\nversion = "1.0.0"\n'
        text += 'dependencies = ["tiny"]\n' + "".join(self.rows)
        more = '[dependencies]\ntiny = "0.1"\n'
        files = {
            "demo-1.0/Cargo.toml": MANIFEST.format(name="demo", version="1.0.0", more=more),
            "demo-1.0/src/main.rs": "fn main() { assert_eq!(tiny::two(), 2); }\n",
            f"demo-1.0/{lock}": text,
        }
        write_archive(path, files)
        return path


@contextlib.contextmanager
def served_index(folder: Path) -> Iterator[CrateIndex]:
    """An empty index below a new folder, until the end of the block."""
    folder.mkdir()
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield CrateIndex(folder, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
