"""Sending a parcel as one mail over SMTP, within one time limit from looking up the host to the server's last word.

Whatever the server does (refuses, answers slowly, says nothing, hangs up), `send` is back in time and has said who is to blame. The
Message-ID comes from the parcel's key, so a receiver drops a mail that was sent twice. Surprise: the talk runs in a thread of its
own, because neither a name lookup nor a server that drips byte by byte can be ended otherwise.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from email.utils import parseaddr

from service.errors import SettingsWrong
from service.notifications.channels import AddressRefused, ChannelDown, Parcel, Rejected, SendingFailed, TryLater
from service.notifications.channels.mail.message import compose
from service.settings import Settings

TLS_MODES = ("starttls", "tls", "if-offered", "none")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+")
_LONGEST_ADDRESS = 254
_OURS_TO_MEND = {530, 535, 538}  # answers to a recipient that speak of our login


def create(settings: Settings) -> MailChannel | None:
    """The channel of these settings, None without `smtp_host`. Raises SettingsWrong."""
    if not settings.smtp_host:
        return None
    if settings.smtp_tls not in TLS_MODES:
        raise SettingsWrong(f"Setting smtp_tls = {settings.smtp_tls!r} is none of {', '.join(TLS_MODES)}.")
    if not _ADDRESS.fullmatch(parseaddr(settings.mail_from)[1]):
        raise SettingsWrong("Setting mail_from needs an address, for example: 值班 <zhiban@example.com>.")
    return MailChannel(settings)


class MailChannel:
    """Mail through one SMTP server."""

    kind = "mail"

    def __init__(self, settings: Settings):
        self._settings = settings
        self.sender = parseaddr(settings.mail_from)[1]
        self._password = settings.mail_password()

    def clean(self, address: str) -> str:
        address = address.strip()
        if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
            raise ValueError("This is no mail address. Write it like name@example.com.")
        domain = address.rpartition("@")[2].lower()
        if address.lower() == self.sender.lower():
            raise ValueError("This is the address that notices come from. Give your own.")
        allowed = [d.lower() for d in self._settings.mail_domains]
        if allowed and domain not in allowed:
            raise ValueError(f"Mail goes to addresses of {', '.join(allowed)} only. Give one of these.")
        return address

    def send(self, parcel: Parcel) -> None:
        """Send one mail. Raises AddressRefused, Rejected, TryLater or ChannelDown."""
        content = compose(parcel, self._settings.mail_from).as_bytes()
        talk = _Talk(self._settings, self._password, self.sender, parcel.address, content)
        talk.hold()


class _Talk:
    """One mail, one connection, one time limit."""

    def __init__(self, settings: Settings, password: str, sender: str, address: str, content: bytes):
        self._settings, self._password = settings, password
        self._sender, self._address, self._content = sender, address, content
        self._ended = threading.Event()
        self._smtp: smtplib.SMTP | None = None
        self._given_up = False
        self._error: SendingFailed | None = None

    def hold(self) -> None:
        limit = self._settings.mail_timeout_seconds
        threading.Thread(target=self._run, name="mail", daemon=True).start()
        if not self._ended.wait(limit):
            self._give_up()
            raise ChannelDown(f"{self._where()} did not answer within {limit:g} s")
        if self._error is not None:
            raise self._error

    def _give_up(self) -> None:
        self._given_up = True
        try:
            self._smtp.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread out of its waiting
        except (AttributeError, OSError):
            pass  # not connected yet, or not any more

    def _run(self) -> None:
        try:
            self._speak()
        except SendingFailed as error:
            self._error = error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._error = ChannelDown(f"{self._where()}: {_said(error)}")
        finally:
            self._ended.set()
            if self._smtp is not None:
                self._smtp.close()

    def _where(self) -> str:
        return f"{self._settings.smtp_host}:{self._settings.smtp_port}"

    def _speak(self) -> None:
        self._smtp = smtp = self._connect()
        self._expect(smtp.mail(self._sender), ChannelDown, ChannelDown)
        self._expect(smtp.rcpt(self._address), TryLater, AddressRefused)
        if self._given_up:
            return
        self._hand_over(smtp)
        self._ended.set()  # it is theirs now: what goes wrong from here on must not have it sent again
        try:
            smtp.quit()
        except (smtplib.SMTPException, OSError):
            pass

    def _connect(self) -> smtplib.SMTP:
        """A connection as the settings want it: encrypted, greeted, logged in."""
        settings = self._settings
        domain = self._sender.rpartition("@")[2]
        patience = settings.mail_timeout_seconds + 1  # for one answer; the limit for all of them is `hold`'s
        options = {"local_hostname": domain, "timeout": patience}
        encrypted = settings.smtp_tls == "tls"
        smtp = smtplib.SMTP_SSL(context=_trust(), **options) if encrypted else smtplib.SMTP(**options)
        self._smtp = smtp
        smtp._host = settings.smtp_host  # the name that the certificate has to bear; else only the constructor sets it
        code, text = smtp.connect(settings.smtp_host, settings.smtp_port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        smtp.ehlo_or_helo_if_needed()
        if settings.smtp_tls == "starttls" or (settings.smtp_tls == "if-offered" and smtp.has_extn("starttls")):
            smtp.starttls(context=_trust())
            smtp.ehlo()  # it has forgotten the first greeting
        if settings.smtp_user:
            self._log_in(smtp)
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if not isinstance(smtp.sock, ssl.SSLSocket) and not _is_this_machine(smtp.sock):
            raise ChannelDown(f"{self._where()}: the password is not sent unencrypted; set smtp_tls")
        smtp.login(self._settings.smtp_user, self._password)

    def _hand_over(self, smtp: smtplib.SMTP) -> None:
        try:
            self._expect(smtp.data(self._content), TryLater, Rejected)
        except smtplib.SMTPDataError as error:
            self._expect((error.smtp_code, error.smtp_error), TryLater, Rejected)
        except (smtplib.SMTPServerDisconnected, ConnectionError) as error:
            raise TryLater(f"{self._where()} hung up before it had taken the mail") from error

    def _expect(self, answer: tuple[int, bytes], later: type[SendingFailed], never: type[SendingFailed]) -> None:
        code, text = answer
        if 200 <= code < 300:
            return
        said = f"{self._where()}: {code} {text.decode('utf-8', 'replace')}"[:400]
        if code == 421 or code in _OURS_TO_MEND:
            raise ChannelDown(said)
        raise (never if code >= 500 else later)(said)


def _trust() -> ssl.SSLContext:
    """Certificates of known authorities, for the host's own name; SSL_CERT_FILE in the environment names other ones."""
    return ssl.create_default_context()


def _is_this_machine(sock: socket.socket) -> bool:
    peer = sock.getpeername()[0] if sock.family in (socket.AF_INET, socket.AF_INET6) else "127.0.0.1"
    return peer == "::1" or peer.startswith("127.")


def _said(error: Exception) -> str:
    """What went wrong, without what was sent: a refused login shows the server's words only."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {error.smtp_error.decode('utf-8', 'replace') if isinstance(error.smtp_error, bytes) else error.smtp_error}"
    return f"{type(error).__name__}: {error}"
