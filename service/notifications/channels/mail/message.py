"""The mail of a parcel: words from `templates/` in the reader's language, headers that keep mail programs from answering.

`kinds.<locale>.txt` has one line per kind of notice, several where something may be missing: the first whose names all have a value
is taken. Surprise: telephone numbers that somebody wrote into a title or reason leave the application masked only.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import Template

from service.notifications.channels import Line, Parcel
from service.notifications.rules import masked

TEMPLATES = Path(__file__).parent / "templates"
LOCALES = ("zh", "en")
MOST_LINES = 50  # of a digest; the rest is counted
_LONGEST_SUBJECT = 120
_ANY_KIND = "other"


def compose(parcel: Parcel, sender: str) -> EmailMessage:
    """The mail. `sender` is an address with or without a name. The same parcel has the same Message-ID."""
    name, address = parseaddr(sender)
    subject, body = _texts(parcel)
    mail = EmailMessage(policy=SMTP)
    mail["Message-ID"] = message_id(parcel.key, address)
    mail["Date"] = format_datetime(parcel.at)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = Address(_one_line(parcel.name), addr_spec=parcel.address)
    mail["Subject"] = _one_line(subject)[:_LONGEST_SUBJECT]
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered to us
    mail["X-Auto-Response-Suppress"] = "All"
    if any(line.urgent for line in parcel.lines):
        mail["Importance"] = "high"
    mail.set_content(body, cte="base64")
    mail["Content-Language"] = {"zh": "zh-CN"}.get(_locale(parcel), _locale(parcel))
    return mail


def message_id(key: str, sender: str) -> str:
    """Always the same for a key, and telling nothing of it."""
    return f"<{sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def wording(line: Line, locale: str) -> str:
    """What a notice says, in one line."""
    ticket = " ".join(filter(None, (line.ticket_number, masked(line.title or ""))))
    values = {k: masked(str(v)) for k, v in line.data.items()} | {"ticket": ticket}
    given = {name for name, value in values.items() if value not in ("", "None")}
    kinds = _kinds(locale)
    for template in (*kinds.get(line.kind, ()), *kinds[_ANY_KIND]):
        if _names(template) <= given:
            return _one_line(template.substitute(values))
    raise LookupError(f"No line of kinds.{locale}.txt fits a notice of kind {line.kind}")


def _texts(parcel: Parcel) -> tuple[str, str]:
    """Subject and body: the first line of the template, and what follows it."""
    locale = _locale(parcel)
    name = "digest" if parcel.digest else "urgent" if parcel.lines[0].urgent else "notice"
    said = [(line, wording(line, locale)) for line in parcel.lines]
    first, text = said[0]
    shown = "\n\n".join(f"{line.at:%m-%d %H:%M}  {text}\n{line.link}" for line, text in said[:MOST_LINES])
    more = len(said) - MOST_LINES
    if more > 0:
        shown += "\n\n" + _template("more", locale).substitute(count=more).strip()
    whole = _template(name, locale).substitute(
        text=text, at=f"{first.at:%Y-%m-%d %H:%M}", link=first.link, count=len(said), lines=shown
    )
    subject, _, body = whole.partition("\n")
    return subject, body.lstrip("\n")


def _locale(parcel: Parcel) -> str:
    return parcel.locale if parcel.locale in LOCALES else LOCALES[0]


def _one_line(text: str) -> str:
    """Without line breaks and other control characters, which have no place in a header."""
    return re.sub(r"[\s\x00-\x1f\x7f\u2028\u2029]+", " ", text).strip()


@cache
def _template(name: str, locale: str) -> Template:
    return Template((TEMPLATES / f"{name}.{locale}.txt").read_text(encoding="utf-8"))


@cache
def _kinds(locale: str) -> dict[str, list[Template]]:
    found: dict[str, list[Template]] = {}
    for row in (TEMPLATES / f"kinds.{locale}.txt").read_text(encoding="utf-8").splitlines():
        kind, _, text = row.partition(": ")
        if text:
            found.setdefault(kind, []).append(Template(text))
    return found


def _names(template: Template) -> set[str]:
    return {found["named"] for found in template.pattern.finditer(template.template) if found["named"]}
