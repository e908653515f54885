"""A real mail server for the demo centre, whose people have addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.notifications import deliver
from service.notifications.delivery import send_due
from service.notifications.preferences import choose
from tests.service.notifications.post import Post, Server


@pytest.fixture
def post() -> Post:
    return Post()


class Mailing:
    """The demo centre with its mail server: people with addresses, and the clock's two jobs."""

    def __init__(self, story, post: Post):
        self.story, self.app, self.post, self.server = story, story.app, post, Server(post)
        self.plain = story.app.settings
        self.lead_to(self.server.port)

    def lead_to(self, port: int, **more) -> None:
        """Send through this port from now on."""
        self.app.settings = replace(
            self.plain, smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none", mail_from="zhiban@example.com",
            public_url="https://zhiban.example.com/", mail_timeout_seconds=2.0, **more,
        )  # fmt: skip

    def address(self, *usernames: str, **options) -> None:
        for name in usernames:
            choose(self.app, self.story.person(name), "mail", f"{name}@example.com", **options)

    def run(self) -> int:
        """One turn of the clock: notices are made, messages are sent."""
        deliver.deliver_due(self.app)
        return send_due(self.app, "mail")

    def received(self) -> list[tuple[str, str]]:
        """(whom, subject) of what arrived, in order."""
        return [(mail.envelope_to[0].split("@")[0], mail["Subject"]) for mail in self.post.got]


@pytest.fixture
def mailing(story, post):
    made = Mailing(story, post)
    yield made
    made.server.close()
