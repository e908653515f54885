"""The mail channel against a real SMTP server: what a mail says, and who is to blame when it does not go (F10, T13)."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from string import Template

import pytest

from service.errors import SettingsWrong
from service.notifications.channels import (
    AddressRefused,
    ChannelDown,
    Line,
    Parcel,
    Rejected,
    TryLater,
    channels_of,
    faults,
)
from service.notifications.channels.mail import message
from service.notifications.channels.mail.channel import MailChannel, create
from service.notifications.rules import STAYS_INSIDE, USUAL
from service.settings import Settings
from tests.service.notifications.post import DeadServer, Post, Server, certificate, free_port, login
from webui.views.notices import TEXTS

CHINA = timezone(timedelta(hours=8))
AT = datetime(2026, 11, 20, 17, 45, tzinfo=CHINA)


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def serve(post):
    """Start the post with options; gives the settings that lead to it."""
    servers = []

    def start(options: dict | None = None, **settings) -> Settings:
        servers.append(Server(post, **(options or {})))
        return mail_settings(servers[-1].port, **settings)

    yield start
    for server in servers:
        server.close()


def mail_settings(port: int, **more) -> Settings:
    usual = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none", "mail_from": "值班 <zhiban@example.com>"}
    return Settings(**usual | more)


def line(kind="urge", urgent=False, title="茶水间吊顶滴水", **data) -> Line:
    link = "https://zhiban.example.com/tickets/2026-0001"
    return Line(kind, data or {"count": 2}, "2026-0001", title, AT, urgent, link)


def parcel(*lines: Line, key="mail:a:1", locale="zh", address="lin@example.com", digest=False) -> Parcel:
    return Parcel(key, address, "林晓雯", locale, lines or (line(),), digest, AT)


def body(mail) -> str:
    return mail.get_content()


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_notice_arrives_as_a_mail_in_chinese(post, serve):
    create(serve()).send(parcel())
    (mail,) = post.got
    assert mail["Subject"] == "客户又催，第 2 次：2026-0001 茶水间吊顶滴水"
    assert (mail["From"], mail["To"]) == ("值班 <zhiban@example.com>", "林晓雯 <lin@example.com>")
    assert (mail.envelope_from, mail.envelope_to) == ("zhiban@example.com", ["lin@example.com"])
    assert "打开：https://zhiban.example.com/tickets/2026-0001" in body(mail)
    assert mail["Date"].datetime == AT


def test_a_notice_arrives_in_the_readers_language(post, serve):
    create(serve()).send(parcel(line(urgent=True), locale="en"))
    (mail,) = post.got
    assert mail["Subject"] == "[Urgent] Customer urges, no. 2: 2026-0001 茶水间吊顶滴水"
    assert (mail["Importance"], mail["Content-Language"]) == ("high", "en")


def test_no_mail_program_answers_by_itself(post, serve):
    """T13: RFC 3834."""
    create(serve()).send(parcel())
    assert post.got[0]["Auto-Submitted"] == "auto-generated"


def test_the_same_key_has_the_same_message_id_and_tells_nothing(post, serve):
    channel = create(serve())
    for key in ("mail:a:1", "mail:a:1", "mail:a:2"):
        channel.send(parcel(key=key))
    ids = [mail["Message-ID"] for mail in post.got]
    assert ids[0] == ids[1] != ids[2]
    assert "a:1" not in ids[0] and ids[0].endswith("@example.com>")


def test_a_digest_lists_its_notices_and_counts_what_does_not_fit(post, serve):
    create(serve()).send(parcel(*[line("handled", x=n) for n in range(53)], digest=True))
    (mail,) = post.got
    assert mail["Subject"] == "值班：53 条通知"
    assert body(mail).count("办完了，等你核实：2026-0001") == 50
    assert "还有 3 条" in body(mail)


@pytest.mark.parametrize(
    "title, shown",
    [
        ("张先生 13812342046 催", "张先生 138****2046 催"),
        ("回电 138 1234 2046", "回电 138****2046"),
        ("打 021-64883320", "打 021-****3320"),
        ("身份证 310101199001011234", "身份证 ****1234"),
        ("3-1201 漏水", "3-1201 漏水"),
    ],
)
def test_a_number_in_a_title_leaves_masked_only(post, serve, title, shown):
    create(serve()).send(parcel(line(title=title)))
    assert post.got[0]["Subject"].endswith(f"2026-0001 {shown}")
    assert title == shown or title not in body(post.got[0])


def test_a_line_break_in_a_text_adds_no_header(post, serve):
    create(serve()).send(parcel(line(title="滴水\r\nBcc: all@example.com")))
    (mail,) = post.got
    assert mail["Bcc"] is None and "滴水 Bcc: all@example.com" in mail["Subject"]


@pytest.mark.parametrize("locale", message.LOCALES)
def test_every_kind_of_notice_has_its_words(locale):
    worded = set(message._kinds(locale))
    assert worded - {"other"} == set(USUAL) == set(TEXTS) - STAYS_INSIDE
    for kind in [*USUAL, "of tomorrow"]:
        assert message.wording(Line(kind, {}, None, None, AT, False, ""), locale) != ""
        assert "$" not in message.wording(line(kind, x=1), locale)


def test_both_languages_have_the_same_templates_with_the_same_names():
    for path in message.TEMPLATES.glob("*.zh.txt"):
        other = path.with_name(path.name.replace(".zh.", ".en."))
        names = [message._names(Template(Path(p).read_text(encoding="utf-8"))) for p in (path, other)]
        assert names[0] == names[1]


# --- whom it may go to ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    ["", "lin", "lin@", "@example.com", "a@b@example.com", "a b@example.com", "lin@example.com\r\nBcc: x@example.com",
     "林@example.com", "lin@example.com, hu@example.com", "x" * 250 + "@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(wrong):
    with pytest.raises(ValueError, match="no mail address"):
        create(mail_settings(25)).clean(wrong)


def test_the_own_mailbox_is_refused():
    """T13."""
    with pytest.raises(ValueError, match="notices come from"):
        create(mail_settings(25)).clean("Zhiban@Example.com")


def test_other_domains_are_refused_where_the_settings_name_some():
    channel = create(mail_settings(25, mail_domains=("example.com",)))
    assert channel.clean(" lin@Example.com ") == "lin@Example.com"
    with pytest.raises(ValueError, match="example.com only"):
        channel.clean("lin@example.net")


# --- who is to blame --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word, answer, blamed",
    [
        ("RCPT", "450 greylisted, come again", TryLater),
        ("RCPT", "452 mailbox is full", TryLater),
        ("RCPT", "550 no such mailbox", AddressRefused),
        ("RCPT", "530 log in first", ChannelDown),
        ("RCPT", "421 shutting down", ChannelDown),
        ("MAIL", "451 not now", ChannelDown),
        ("MAIL", "550 sender not allowed", ChannelDown),
        ("DATA", "451 try later", TryLater),
        ("DATA", "554 looks like spam", Rejected),
        ("DATA", "drop", TryLater),
        ("RCPT", "drop", ChannelDown),
    ],
)
def test_the_servers_answer_says_who_is_to_blame(post, serve, word, answer, blamed):
    channel = create(serve())
    post.answers[word] = answer
    with pytest.raises(blamed):
        channel.send(parcel())


def test_no_server_at_all():
    with pytest.raises(ChannelDown, match="Refused"):
        create(mail_settings(free_port())).send(parcel())


@pytest.mark.parametrize("word", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_is_left_in_time(post, serve, word):
    channel = create(serve(mail_timeout_seconds=0.5))
    post.answers[word] = "hang"
    begun = time.monotonic()
    with pytest.raises(ChannelDown, match="did not answer within 0.5 s"):
        channel.send(parcel())
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("drip", [False, True])
def test_a_server_that_is_silent_or_drips_is_left_in_time(drip):
    dead = DeadServer(drip)
    begun = time.monotonic()
    with pytest.raises(ChannelDown, match="did not answer"):
        create(mail_settings(dead.port, mail_timeout_seconds=0.5)).send(parcel())
    assert time.monotonic() - begun < 2
    dead.close()


def test_the_limit_is_five_seconds_unless_somebody_sets_it():
    assert Settings().mail_timeout_seconds == 5


# --- encryption and login ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(tls, monkeypatch):
    """The server's certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    return tls[1]


def test_starttls_encrypts_and_logs_in(post, serve, trusted):
    options = {"tls_context": trusted, "require_starttls": True, "authenticator": login("zhiban", "secret")}
    settings = serve(options, smtp_tls="starttls", smtp_host="localhost", smtp_user="zhiban", smtp_password="secret")
    create(settings).send(parcel())
    assert (post.got[0].encrypted, post.got[0].login) == (True, True)


def test_starttls_is_used_where_it_is_offered(post, serve, trusted):
    create(serve({"tls_context": trusted}, smtp_tls="if-offered", smtp_host="localhost")).send(parcel())
    create(serve(smtp_tls="if-offered")).send(parcel())
    assert [mail.encrypted for mail in post.got] == [True, False]


def test_starttls_that_is_wanted_and_not_offered_sends_nothing(post, serve):
    with pytest.raises(ChannelDown, match="STARTTLS"):
        create(serve(smtp_tls="starttls")).send(parcel())
    assert post.got == []


def test_a_certificate_of_unknown_origin_sends_nothing(post, serve, tls):
    with pytest.raises(ChannelDown, match=r"(?i)certificate"):
        create(serve({"tls_context": tls[1]}, smtp_tls="starttls", smtp_host="localhost")).send(parcel())
    assert post.got == []


def test_encryption_from_the_first_byte(post, serve, trusted):
    create(serve({"ssl_context": trusted}, smtp_tls="tls", smtp_host="localhost")).send(parcel())
    assert len(post.got) == 1


def test_a_wrong_password_is_the_channels_fault_and_stands_in_no_message(post, serve, trusted):
    options = {"tls_context": trusted, "authenticator": login("zhiban", "secret")}
    settings = serve(options, smtp_tls="starttls", smtp_host="localhost", smtp_user="zhiban", smtp_password="wr0ng-one")
    with pytest.raises(ChannelDown, match="535") as caught:
        create(settings).send(parcel())
    assert "wr0ng-one" not in str(caught.value) and "wr0ng-one" not in repr(settings)


def test_a_password_file_that_others_may_read_is_refused(tmp_path):
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o644)
    settings = mail_settings(25, smtp_password_file=file)
    with pytest.raises(SettingsWrong, match="chmod 600"):
        create(settings)
    file.chmod(0o600)
    assert settings.mail_password() == "secret"


def test_without_a_host_there_is_no_mail_and_a_wrong_setting_is_told():
    assert (channels_of(Settings()), faults(Settings())) == ({}, [])
    assert isinstance(channels_of(mail_settings(25))["mail"], MailChannel)
    wrong = replace(mail_settings(25), smtp_tls="perhaps")
    assert channels_of(wrong) == {}
    assert "smtp_tls" in faults(wrong)[0]
