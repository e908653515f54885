"""A real SMTP server for tests: it takes mail over a socket, refuses, hangs or hangs up as it is told."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
import subprocess
import threading
import time
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

HANG_SECONDS = 60


class Post:
    """What the server got, and what it answers: `answers` by word (`RCPT`, `DATA`, `MAIL`), an answer or hang or drop."""

    def __init__(self):
        self.got: list[EmailMessage] = []
        self.asked = 0
        self.answers: dict[str, str] = {}
        self.refused: dict[str, str] = {}  # address -> answer

    def delivered(self) -> dict[str, EmailMessage]:
        """What its readers see: a Message-ID that was there before is dropped."""
        return {mail["Message-ID"]: mail for mail in self.got}

    # --- aiosmtpd's hooks ---
    async def handle_MAIL(self, server, session, envelope, address, options):
        self.asked += 1
        envelope.mail_from = address
        return await self._answer(server, "MAIL")

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return await self._answer(server, "RCPT")

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=default)
        mail.envelope_to, mail.envelope_from = envelope.rcpt_tos, envelope.mail_from
        mail.encrypted = session.ssl is not None
        mail.login = session.authenticated
        said = self.answers.get("DATA", "")
        if not said.startswith(("4", "5", "hang")):
            self.got.append(mail)
        return await self._answer(server, "DATA")

    async def _answer(self, server, word: str) -> str:
        said = self.answers.get(word, "250 OK")
        if said == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if said == "drop":
            server.transport.abort()
        return said


class Server:
    """The post at an address, until it is closed."""

    def __init__(self, post: Post, **options):
        self.controller = Controller(post, hostname="127.0.0.1", port=free_port(), **options)
        self.controller.start()

    @property
    def port(self) -> int:
        return self.controller.port

    def close(self) -> None:
        if self.controller.server is not None:
            self.controller.stop(no_assert=True)


class DeadServer:
    """Takes connections and never says a word; or, with `drip`, one byte of a greeting each second."""

    def __init__(self, drip: bool = False):
        self._drip, self._open, self.connections = drip, [], 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            if self._drip:
                threading.Thread(target=self._say_slowly, args=(connection,), daemon=True).start()

    @staticmethod
    def _say_slowly(connection: socket.socket) -> None:
        try:
            for letter in b"220 " + b"x" * 400:
                connection.send(bytes([letter]))
                time.sleep(0.05)
        except OSError:
            pass

    def close(self) -> None:
        self._listening.close()
        for connection in self._open:
            connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody but the test trusts, and the server's context with it."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def login(user: str, password: str):
    """An authenticator that takes one login."""

    def check(server, session, envelope, mechanism, given):
        fits = (given.login, given.password) == (user.encode(), password.encode())
        return AuthResult(success=fits, handled=fits or None)

    return check
