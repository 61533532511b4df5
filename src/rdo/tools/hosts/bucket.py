"""A place outside in a bucket of a server that speaks S3."""

import contextlib
import mimetypes
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rdo.errors import ConfigError, OutsideError
from rdo.model.outside import OutsideListing

_AT_ONCE = 16
_MOST_KEYS = 1000  # in one request to remove
_POOL = "/pool/"


@dataclass
class BucketPlace:
    """The objects below `prefix` of a bucket. Credentials are found as boto3 finds them.

    A bucket has no links. An object appears only when it was uploaded completely. If an RPM is
    already in the bucket, the server copies it there.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    has_links: bool = False
    _pooled: dict[str, str] = field(default_factory=dict)

    def listing(self) -> OutsideListing:
        """Return the files in the bucket; raises OutsideError if it cannot be read."""
        files: dict[str, int] = {}
        with self._explaining() as client:
            pages = client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self._key("")):
                for one in page.get("Contents", ()):
                    files[one["Key"].removeprefix(self._key(""))] = one["Size"]
        self._pooled = {path.partition(_POOL)[2]: path for path in files if _POOL in path}
        return OutsideListing(files)

    def send(self, stage: Path, paths: Iterable[str]) -> None:
        """Send files of the folder `stage` to the same paths; raises OutsideError."""

        def one(path: str) -> None:
            there = self._pooled.get(path.partition(_POOL)[2]) if _POOL in path else None
            if there:
                source = {"Bucket": self.bucket, "Key": self._key(there)}
                client.copy_object(Bucket=self.bucket, Key=self._key(path), CopySource=source)
            else:
                kind = {"ContentType": _content_type(path)}
                key = self._key(path)
                client.upload_file(str(stage / path), self.bucket, key, ExtraArgs=kind)

        with self._explaining() as client:
            _all_at_once(one, paths)

    def point(self, links: Mapping[str, str]) -> None:
        """Refuse links by a TypeError, because a bucket has none."""
        if links:
            raise TypeError("a bucket has no links")

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, and folders with everything in them; raises OutsideError."""
        wanted = list(paths)
        if not wanted:
            return
        folders = tuple(f"{path}/" for path in wanted)
        there = self.listing().files
        keys = [path for path in there if path in wanted or path.startswith(folders)]
        with self._explaining() as client:
            for start in range(0, len(keys), _MOST_KEYS):
                rows = [{"Key": self._key(path)} for path in keys[start : start + _MOST_KEYS]]
                client.delete_objects(Bucket=self.bucket, Delete={"Objects": rows, "Quiet": True})

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3
        except ImportError as error:
            raise ConfigError(
                "pushing to s3:// needs boto3", hint=f"{sys.executable} -m pip install boto3"
            ) from error
        from botocore.config import Config

        config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 4})
        return boto3.client("s3", endpoint_url=self.endpoint or None, config=config)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[Any]:
        """Yield the client, and convert its errors to ours."""
        client = self._client
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield client
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise OutsideError(
                f"s3://{self.bucket}/{self.prefix}: {' '.join(str(error).split())}",
                hint="what was sent stays; the next push continues from there",
            ) from error


def _all_at_once(act: Callable[[str], None], paths: Iterable[str]) -> None:
    """Call `act` for each path, several at a time; the first error ends it."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [pool.submit(act, path) for path in paths]
        try:
            for one in running:
                one.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _content_type(path: str) -> str:
    if path.endswith(".rpm"):
        return "application/x-rpm"
    if path.endswith((".repo", "/mirrorlist", ".csv", ".asc")) or "/RPM-GPG-KEY-" in f"/{path}":
        return "text/plain"
    if path.endswith(".gz"):
        return "application/gzip"
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
