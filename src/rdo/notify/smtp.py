"""Send mails to a mail server, over TLS if the server offers it."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from rdo.errors import ConfigError
from rdo.notify.way import AwayError, Refused

TIMEOUT_SECONDS = 30.0
_TLS_PORT = 465
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server to use; `server` is host or host:port."""

    server: str
    security: str = "auto"
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None

    @property
    def host(self) -> str:
        return self._split()[0]

    @property
    def port(self) -> int:
        """The configured port, or the protocol's usual one."""
        given = self._split()[1]
        return int(given) if given else (_TLS_PORT if self.security == "tls" else 25)

    def _split(self) -> tuple[str, str]:
        if self.server.startswith("["):  # an IPv6 address
            host, _, port = self.server[1:].partition("]")
            return host, port.removeprefix(":")
        host, _, port = self.server.partition(":")
        return host, port

    def send(self, mail: EmailMessage, recipients: Sequence[str]) -> dict[str, Refused]:
        """Send one mail; return the recipients who did not get it, with the server's answers.

        Raises AwayError if the server cannot be reached.
        """
        password = self._password()
        try:
            with self._connect() as connection:
                self._log_in(connection, password)
                return _deliver(connection, mail, recipients)
        except (OSError, smtplib.SMTPException) as error:
            raise AwayError(f"mail server {self.server}: {_words(error)}") from error

    def greet(self) -> str:
        """Connect, encrypt and log in as for a mail, and return a description of the result.

        Raises AwayError if the server cannot be reached, ConfigError if it refuses the settings.
        """
        password = self._password()
        try:
            with self._connect() as connection:
                connection.ehlo_or_helo_if_needed()
                self._log_in(connection, password)
                is_secure = isinstance(connection.sock, ssl.SSLSocket)
        except (smtplib.SMTPNotSupportedError, smtplib.SMTPAuthenticationError) as error:
            hint = "correct security, user and password-file in [mail]"
            raise ConfigError(f"mail server {self.server}: {_words(error)}", hint=hint) from error
        except (OSError, smtplib.SMTPException) as error:
            raise AwayError(f"mail server {self.server}: {_words(error)}") from error
        login = f", logged in as {self.user}" if self.user else ""
        return f"{self.server} answers, {'by TLS' if is_secure else 'without encryption'}{login}"

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls" or (self.security == "auto" and self.port == _TLS_PORT):
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT_SECONDS, context=self._context()
            )
        connection = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            self._secure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _secure(self, connection: smtplib.SMTP) -> None:
        if self.security == "none":
            return
        connection.ehlo()
        if self.security == "starttls" or connection.has_extn("starttls"):
            connection.starttls(context=self._context())
            connection.ehlo()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)

    def _log_in(self, connection: smtplib.SMTP, password: str) -> None:
        if not self.user:
            return
        if not isinstance(connection.sock, ssl.SSLSocket) and self.host not in _LOOPBACK:
            raise ConfigError(
                f"mail server {self.server} offers no TLS, and the password is only sent over TLS",
                hint='set security = "tls" or "starttls" in [mail], or remove user',
            )
        connection.login(self.user, password)

    def _password(self) -> str:
        if not self.user or not self.password_file:
            return ""
        try:
            return self.password_file.read_text().strip()
        except OSError as error:
            raise ConfigError(
                f"[mail] password-file {self.password_file}: {error.strerror}"
            ) from error


def _deliver(
    connection: smtplib.SMTP, mail: EmailMessage, recipients: Sequence[str]
) -> dict[str, Refused]:
    try:
        refused = connection.send_message(mail, to_addrs=list(recipients))
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if error.smtp_code == 421:  # the server is shutting down
            raise
        answer = (error.smtp_code, _text(error.smtp_error).encode())
        refused = dict.fromkeys(recipients, answer)
    return {
        recipient: Refused(f"{code} {_text(said)}", 500 <= code < 600)
        for recipient, (code, said) in refused.items()
    }


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__
