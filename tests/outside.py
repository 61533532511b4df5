"""Servers on loopback that repositories are pushed to: rsync, ssh and S3, each the real thing."""

import contextlib
import functools
import gzip
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.publish.pushing.push import Outside
from rdo.tools.hosts.access import SshAccess
from rdo.tools.hosts.bucket import BucketPlace
from rdo.tools.hosts.rsync import RsyncPlace
from tests.patience import PATIENCE


@contextlib.contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """Serve a folder over http."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def rsync_daemon(folder: Path) -> Iterator[RsyncPlace]:
    """An rsync daemon with a module for `folder`."""
    port = _free_port()
    config = folder.parent / "rsyncd.conf"
    owner = f"uid = {os.getuid()}\ngid = {os.getgid()}\n" if os.getuid() == 0 else ""
    config.write_text(
        f"address = 127.0.0.1\nport = {port}\nuse chroot = no\nlog file = /dev/null\n"
        f"[rdo]\npath = {folder}\nread only = no\nmunge symlinks = no\n{owner}"
    )
    folder.mkdir(exist_ok=True)
    command = ["rsync", "--daemon", "--no-detach", f"--config={config}"]
    with _beside(command, port):
        yield RsyncPlace(f"rsync://127.0.0.1:{port}/rdo/deep/master")


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[RsyncPlace]:
    """An ssh server that this user may log in to, and its folder `folder`."""
    port, keys = _free_port(), folder.parent / "ssh"
    keys.mkdir()
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True
        )
    host_key = (keys / "host.pub").read_text()
    (keys / "known").write_text(f"[127.0.0.1]:{port} {host_key}")
    (keys / "authorized").write_bytes((keys / "user.pub").read_bytes())
    (keys / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {keys}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {keys}/authorized\nStrictModes no\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(keys / "config")]
    with _beside(command, port):
        user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout
        access = SshAccess(user.strip(), keys / "user", keys / "known")
        yield RsyncPlace(f"ssh://{user.strip()}@127.0.0.1:{port}{folder}", access)


@contextlib.contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[BucketPlace, str]]:
    """moto's server with a bucket that everybody may read; with it comes its address."""
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    port = _free_port()
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    try:
        import boto3

        address = f"http://127.0.0.1:{port}"
        httpx.post(
            f"{address}/moto-api/reset", timeout=PATIENCE
        )  # what an earlier test has left in this process
        client = boto3.client("s3", endpoint_url=address)
        client.create_bucket(Bucket="mirror", ACL="public-read")
        yield BucketPlace("mirror", "deep/master", address), f"{address}/mirror/deep/master"
    finally:
        server.stop()


def faults(folder: Path, *, names: tuple[str, ...] = ("current", "consistent")) -> list[str]:
    """Files of a mirror that a reader cannot find by a name or by the path of a repository."""
    found = [name for name in names if not (folder / name / "repodata/repomd.xml").is_file()]
    for link in folder.rglob("*"):
        if link.is_symlink() and not link.exists():
            found.append(f"{link} leads nowhere")
    for index in folder.glob("repositories/*/repodata/repomd.xml"):
        top = index.parents[1]
        inside = re.findall(r'location href="([^"]+)"', index.read_text())
        for file in list(inside):
            if "primary" in file and (top / file).is_file():
                text = gzip.decompress((top / file).read_bytes()).decode()
                inside += re.findall(r'<location href="([^"]+)"', text)
        found += [f"{top}/{file}" for file in inside if not (top / file).is_file()]
    return found


class Counted:
    """A push destination that records its requests."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.asked: list[str] = []

    @property
    def has_links(self) -> bool:
        return self.outside.has_links

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self.outside, name)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def _beside(command: list[str], port: int) -> Iterator[None]:
    """Run a server until the end of the block."""
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)
