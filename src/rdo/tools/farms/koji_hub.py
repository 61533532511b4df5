"""A Koji hub, reached with Koji's own client library, which is the extra `koji`."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdo.errors import CommandError, ConfigError, OutsideError, RefusedError

_CHUNK = 1_000_000
_LEAD_BYTES, _INTRO_BYTES, _ENTRY_BYTES = 96, 16, 16


@dataclass(frozen=True, slots=True)
class HubLogin:
    """How rdo logs in: with a password, a certificate, or else by Kerberos."""

    user: str = ""
    password_file: Path | None = None
    certificate: Path | None = None
    authority: Path | None = None
    principal: str = ""
    keytab: Path | None = None


class HubFault(CommandError):
    """A call that the hub has answered with a fault of its own."""


class KojiHub:
    """A hub; each thread has a session of its own, because the client library numbers its calls."""

    def __init__(self, server: str, login: HubLogin, *, timeout_seconds: float = 60) -> None:
        try:
            import koji  # an extra, and slow: only for a builder of its kind
        except ImportError as error:
            raise ConfigError(
                "builds in Koji need its client library, which is not installed; to install it,"
                " pip needs libkrb5-dev (Debian) or krb5-devel",
                hint=f"{sys.executable} -m pip install koji",
            ) from error
        self.server = server
        self._koji = koji
        self._login = login
        self._timeout = timeout_seconds
        self._local = threading.local()

    def ask(self, method: str, *args: object, **options: object) -> Any:
        """Call a method of the hub without a login; such calls only read."""
        with self._translated(method):
            return getattr(self._anonymous(), method)(*args, **options)

    def act(self, method: str, *args: object, **options: object) -> Any:
        """Call a method of the hub as the configured user."""
        with self._translated(method):
            return getattr(self._session(), method)(*args, **options)

    def upload(self, file: Path, folder: str) -> str:
        """Upload a file to a folder of the hub, and return its path there."""
        with self._translated("uploadFile"):
            self._session().fastUpload(str(file), folder, overwrite=True)
        return f"{folder}/{file.name}"

    def output(self, task: int, name: str, offset: int = 0, most: int = _CHUNK) -> bytes:
        """Return a part of a file that a task has written."""
        with self._translated("downloadTaskOutput"):
            found = self._anonymous().downloadTaskOutput(task, name, offset=offset, size=most)
            return bytes(found)

    def save_output(self, task: int, name: str, file: Path, *, most: int) -> None:
        """Save a file that a task has written; raises RefusedError if it is larger than `most`."""
        with file.open("wb") as out:
            while part := self.output(task, name, out.tell()):
                out.write(part)
                if out.tell() > most:
                    raise RefusedError(f"{name} of task {task} is larger than {most / 1e6:.0f} MB")

    def fault_of(self, task: int) -> str:
        """Return in one line why a task failed."""
        try:
            self.ask("getTaskResult", task)
        except (HubFault, RefusedError) as error:
            return " ".join(str(error).split())
        return "it failed without naming a cause"

    def _anonymous(self) -> Any:
        if not hasattr(self._local, "anonymous"):
            self._local.anonymous = self._koji.ClientSession(self.server, self._options())
        return self._local.anonymous

    def _session(self) -> Any:
        if not hasattr(self._local, "session"):
            self._local.session = self._logged_in()
        return self._local.session

    def _logged_in(self) -> Any:
        login, options = self._login, self._options()
        if login.password_file:
            options |= {"user": login.user, "password": _secret(login.password_file)}
        session = self._koji.ClientSession(self.server, options)
        if login.password_file:
            session.login()
        elif login.certificate:
            session.ssl_login(str(login.certificate), serverca=_text(login.authority))
        else:
            session.gssapi_login(principal=login.principal or None, keytab=_text(login.keytab))
        return session

    def _options(self) -> dict[str, object]:
        """Return options for a session that does not repeat calls, because we do that ourselves."""
        found: dict[str, object] = {"timeout": self._timeout, "max_retries": 0}
        if self._login.authority:
            found["serverca"] = str(self._login.authority)
        return found

    @contextlib.contextmanager
    def _translated(self, method: str) -> Iterator[None]:
        """Turn the client's errors into ours: refused, unreachable, or a fault of the hub."""
        import requests

        koji = self._koji
        try:
            yield
        except (
            koji.ServerOffline,
            koji.RetryError,
            koji.SequenceError,
            koji.AuthLockError,
        ) as error:
            self._forget()
            raise OutsideError(f"{self.server} is not ready: {_one_line(error)}") from error
        except koji.AuthError as error:
            self._forget()
            user = self._login.user or "rdo"
            raise RefusedError(
                f"{self.server} refuses the login of {user}: {_one_line(error)}",
                hint="check user, password-file, certificate or keytab of the builder",
            ) from error
        except koji.ActionNotAllowed as error:
            raise RefusedError(
                f"{self.server} does not allow {method}: {_one_line(error)}"
            ) from error
        except koji.GenericError as error:
            raise HubFault(_one_line(error)) from error
        except requests.exceptions.HTTPError as error:
            status = error.response.status_code if error.response is not None else 500
            self._forget()
            if status in {401, 403}:
                raise RefusedError(f"{self.server} refuses {method}: HTTP {status}") from error
            if status < 500:
                raise ConfigError(
                    f"there is no Koji hub at {self.server}: HTTP {status}"
                ) from error
            raise OutsideError(f"{self.server} answers {method} with HTTP {status}") from error
        except (OSError, EOFError, ValueError, ArithmeticError, SyntaxError) as error:
            # requests' own errors are OSErrors; an answer that is not XML-RPC causes any of the
            # others
            self._forget()
            raise OutsideError(f"{self.server} cannot be reached: {_one_line(error)}") from error
        except Exception as error:
            if type(error).__module__.startswith(("xml.", "xmlrpc.", "defusedxml.")):
                self._forget()
                raise OutsideError(
                    f"{self.server} gives no usable answer: {_one_line(error)}"
                ) from error
            raise

    def _forget(self) -> None:
        """Log in again the next time."""
        self._local.__dict__.clear()


def ident_of(rpm: Path) -> str:
    """Return Koji's payload hash of an RPM: the MD5 of everything after its signature.

    Only the fixed sizes at its beginning are parsed. Empty if it is not an RPM.
    """
    import hashlib

    with rpm.open("rb") as file:
        file.seek(_LEAD_BYTES)
        intro = file.read(_INTRO_BYTES)
        if len(intro) < _INTRO_BYTES or intro[:3] != b"\x8e\xad\xe8":
            return ""
        entries, store = int.from_bytes(intro[8:12], "big"), int.from_bytes(intro[12:16], "big")
        end = _LEAD_BYTES + _INTRO_BYTES + entries * _ENTRY_BYTES + store
        file.seek(end + -end % 8)
        digest = hashlib.md5(usedforsecurity=False)
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()


def _secret(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError as error:
        raise ConfigError(f"cannot read the password in {file}: {error.strerror}") from error


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
