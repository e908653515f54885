"""Notices beyond the application: a queue of messages per person and channel, each sent once by us.

`queue` runs in the transaction that writes the notices; `send_due` is the clock's. A message is taken by a conditional update that
gives a lease, sent outside any transaction, then marked if the lease is still ours: whoever dies in between leaves one possible
duplicate with the same key. What fails waits 10 s, doubled up to an hour; a channel that fails rests as a whole, so that a dead
server costs one attempt at a time. Surprise: sending never creates an event of a ticket; the one notice about failure goes to
the supervisors, inside the application only (T13).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.queries import calendar_of
from service.db import insert_or_leave
from service.notifications import rules
from service.notifications.channels import (
    AddressRefused,
    Channel,
    ChannelDown,
    Line,
    Parcel,
    Rejected,
    TryLater,
    channels_of,
)
from service.notifications.models import ChannelRest, Message, MessageState, Notice, NoticeAddress
from service.organisation import queries as people
from service.organisation.models import Person
from service.subjects.models import Subject
from service.tickets.models import Ticket

log = logging.getLogger("zhiban.messages")

LEASE = timedelta(seconds=60)  # longer than any sending takes
_ERROR_LETTERS = 500


class Outcome(Enum):
    SENT = "sent"
    NOT_SENT = "not sent"
    CHANNEL_DOWN = "channel down"


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that we hold until its lease ends, with all those that it carries."""

    id: int
    fence: int
    key: str
    centre_id: int
    person_id: int
    channel: str
    digest: bool
    tries: int


# --- into the queue ---------------------------------------------------------------------------------------------------


def queue(session: Session, outbox_key: str, centre_id: int, now: datetime) -> None:
    """A message for each notice of this outbox row and each channel on which its person wants it.

    Runs in the transaction that writes the notices. Whatever goes wrong here never keeps a notice from its reader.
    """
    kinds = tuple(channels_of(session.info["app"].settings))
    if not kinds:
        return
    try:
        with session.begin_nested():
            rows = [
                row
                for notice, address in session.execute(_wanted(outbox_key, kinds)).all()
                if (row := _message(session, notice, address, centre_id, now))
            ]
            insert_or_leave(session, Message, rows, ["notice_id", "channel"])
    except Exception:
        log.exception("notices of outbox row %s stay inside the application", outbox_key)


def _wanted(outbox_key: str, kinds: tuple[str, ...]) -> sa.Select:
    return (
        sa.select(Notice, NoticeAddress)
        .join(NoticeAddress, NoticeAddress.person_id == Notice.person_id)
        .where(
            Notice.outbox_key == outbox_key,
            NoticeAddress.channel.in_(kinds),
            NoticeAddress.wanted,
            NoticeAddress.refused_at.is_(None),
        )
        .order_by(Notice.id)
    )


def _message(session: Session, notice: Notice, address: NoticeAddress, centre_id: int, now: datetime) -> dict | None:
    way = rules.way_of(notice.kind, notice.urgent, address.kinds)
    if way == rules.NEVER:
        return None
    digest = way == rules.DIGEST
    return {
        "centre_id": centre_id,
        "key": f"{address.channel}:{notice.outbox_key}:{notice.person_id}",
        "notice_id": notice.id,
        "person_id": notice.person_id,
        "channel": address.channel,
        "urgent": notice.urgent,
        "digest": digest,
        "created_at": now,
        "not_before_at": _next_digest(session, centre_id, now) if digest else now,
    }


def _next_digest(session: Session, centre_id: int, now: datetime) -> datetime:
    times = rules.read_times(session.info["app"].settings.digest_times)
    return rules.next_digest(now, times, calendar_of(session, centre_id))


# --- out of the queue -------------------------------------------------------------------------------------------------


def send_due(app, kind: str, limit: int = 50, go_on: Callable[[], bool] = lambda: True) -> int:
    """Send what is due on one channel; the number of parcels sent. Ends early when the channel fails or `go_on` says no."""
    channel = channels_of(app.settings)[kind]
    sent = 0
    for id in _due(app, kind, limit):
        outcome = _send_one(app, channel, id) if go_on() else Outcome.CHANNEL_DOWN
        if outcome is Outcome.CHANNEL_DOWN:
            break
        sent += outcome is Outcome.SENT
    return sent


def _due(app, kind: str, limit: int) -> list[int]:
    """Messages to be sent now, urgent ones first; of the messages of a digest only its first. None while the channel rests."""
    now = app.clock.now()
    with app.session() as session:
        rest = session.get(ChannelRest, kind)
        if rest is not None and rest.until_at is not None and rest.until_at > now:
            return []
        found = session.execute(
            sa.select(Message.id, Message.person_id, Message.digest, Message.carried_by)
            .where(Message.channel == kind, Message.not_before_at <= now, *_free(now))
            .order_by(Message.urgent.desc(), Message.not_before_at, Message.id)
            .limit(limit)
        ).all()
    new_digests = set()
    ids = []
    for row in found:
        if row.digest and row.carried_by is None:
            if row.person_id in new_digests:
                continue
            new_digests.add(row.person_id)
        ids.append(row.id)
    return ids


def _free(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Waiting, held by nobody, and not on its way with another one."""
    return (
        Message.state == MessageState.WAITING,
        sa.or_(Message.leased_until_at.is_(None), Message.leased_until_at <= now),
        sa.or_(Message.carried_by.is_(None), Message.carried_by == Message.id),
    )


def _send_one(app, channel: Channel, id: int) -> Outcome:
    claim = _claim(app, id)
    if claim is None:
        return Outcome.NOT_SENT
    try:
        parcel = _parcel(app, claim)
        if parcel is None:
            _settle(app, claim, state=MessageState.SKIPPED)
            return Outcome.NOT_SENT
        channel.send(parcel)
    except ChannelDown as error:
        _channel_failed(app, claim, error)
        return Outcome.CHANNEL_DOWN
    except (AddressRefused, Rejected) as error:
        _refused(app, claim, error)
        return Outcome.NOT_SENT
    except TryLater as error:
        _not_now(app, claim, error)
        return Outcome.NOT_SENT
    except Exception as error:  # a fault of our own: the other messages go on, this one waits or is given up
        log.exception("message %s cannot be sent", claim.key)
        _not_now(app, claim, error)
        return Outcome.NOT_SENT
    _sent(app, claim)
    return Outcome.SENT


def _claim(app, id: int) -> Claim | None:
    """Take a message for sending; None when another clock has it, or when it has to wait for the quiet hours to end."""
    with app.writing() as session:
        now = app.clock.now()
        seen = session.execute(sa.select(Message).where(Message.id == id, *_free(now))).scalar()
        if seen is None:
            return None
        mine = sa.update(Message).where(Message.id == id, Message.fence == seen.fence, *_free(now))
        opening = _quiet_until(session, seen, now)
        if opening is not None:
            session.execute(mine.values(not_before_at=opening), execution_options={"synchronize_session": False})
            return None
        fence = seen.fence + 1
        taken = session.execute(
            mine.values(fence=fence, leased_until_at=now + LEASE, carried_by=id),
            execution_options={"synchronize_session": False},
        )
        if taken.rowcount != 1:
            return None
        if seen.digest and seen.carried_by is None:
            _gather(session, seen, now)
        return Claim(id, fence, seen.key, seen.centre_id, seen.person_id, seen.channel, seen.digest, seen.tries)


def _quiet_until(session: Session, message: Message, now: datetime) -> datetime | None:
    if message.urgent:
        return None
    quiet = rules.read_quiet(session.info["app"].settings.quiet_hours)
    return rules.quiet_until(now, calendar_of(session, message.centre_id), quiet)


def _gather(session: Session, first: Message, now: datetime) -> None:
    """What goes in this digest is settled once, so that a digest sent again is the same one."""
    session.execute(
        sa.update(Message)
        .where(
            Message.person_id == first.person_id,
            Message.channel == first.channel,
            Message.digest,
            Message.state == MessageState.WAITING,
            Message.carried_by.is_(None),
            Message.not_before_at <= now,
        )
        .values(carried_by=first.id),
        execution_options={"synchronize_session": False},
    )


def _parcel(app, claim: Claim) -> Parcel | None:
    """What is to be sent; None when nobody needs it any more: everything read, the person gone, the channel not wanted."""
    with app.session() as session:
        person = session.get(Person, claim.person_id)
        address = session.get(NoticeAddress, (claim.person_id, claim.channel))
        if person is None or not person.active or address is None or not address.wanted or address.refused_at:
            return None
        local = calendar_of(session, claim.centre_id).local
        carried = sa.select(Message.notice_id).where(Message.carried_by == claim.id)
        found = session.execute(
            sa.select(Notice, sa.func.coalesce(Ticket.title, Subject.title), Subject.kind)
            .outerjoin(Ticket, Ticket.number == Notice.ticket_number)
            .outerjoin(Subject, Subject.number == Notice.ticket_number)
            .where(Notice.id.in_(carried), Notice.read_at.is_(None))
            .order_by(Notice.at, Notice.id)
        ).all()
        lines = tuple(_line(app.settings.address, *row, local) for row in found)
        locale = person.locale or app.settings.locale
        at = local(app.clock.now())
        return Parcel(claim.key, address.address, person.name, locale, lines, claim.digest, at) if lines else None


def _line(
    site: str, notice: Notice, title: str | None, subject: str | None, local: Callable[[datetime], datetime]
) -> Line:
    """One line, with the address of the ticket's page; what is about another thing is opened from the notices."""
    page = f"tickets/{notice.ticket_number}" if notice.ticket_number and title and not subject else "notices"
    return Line(
        notice.kind, notice.data, notice.ticket_number, title, local(notice.at), notice.urgent, f"{site}/{page}"
    )


# --- how it went ------------------------------------------------------------------------------------------------------


def _settle(app, claim: Claim, **values) -> bool:
    """Mark a message and what it carries, if it is still ours."""
    with app.writing() as session:
        return _mark(session, claim, **values)


def _mark(session: Session, claim: Claim, **values) -> bool:
    own = session.execute(
        sa.update(Message)
        .where(Message.id == claim.id, Message.fence == claim.fence, Message.state == MessageState.WAITING)
        .values(leased_until_at=None, **values),
        execution_options={"synchronize_session": False},
    )
    if own.rowcount != 1:
        log.warning("message %s took longer than its lease; who holds it now marks it", claim.key)
        return False
    carried = {name: values[name] for name in ("state", "sent_at") if name in values}
    if carried:
        session.execute(
            sa.update(Message).where(Message.carried_by == claim.id, Message.id != claim.id).values(**carried),
            execution_options={"synchronize_session": False},
        )
    return True


def _sent(app, claim: Claim) -> None:
    with app.writing() as session:
        now = app.clock.now()
        _mark(session, claim, state=MessageState.SENT, sent_at=now, error=None)
        rest = session.get(ChannelRest, claim.channel)
        if rest is not None and rest.tries:
            _works_again(session, rest, now)


def _works_again(session: Session, rest: ChannelRest, now: datetime) -> None:
    """What waited for the channel goes now."""
    log.info("channel %s works again after %s failures", rest.channel, rest.tries)
    rest.tries, rest.since_at, rest.until_at, rest.error = 0, None, None, None
    held_up = sa.or_(
        Message.state == MessageState.PARKED,
        sa.and_(Message.state == MessageState.WAITING, Message.tries > 0),
    )
    session.execute(
        sa.update(Message)
        .where(Message.channel == rest.channel, held_up)
        .values(state=MessageState.WAITING, not_before_at=now, tries=0),
        execution_options={"synchronize_session": False},
    )


def _not_now(app, claim: Claim, error: Exception) -> None:
    """This one was not taken: it waits, and after the last try it is given up and told."""
    log.warning("message %s was not sent: %s", claim.key, error)
    with app.writing() as session:
        if _waits(session, claim, error, app, MessageState.FAILED) and claim.tries + 1 >= app.settings.outbox_tries:
            _tell_of_person(session, claim, app.clock.now())


def _waits(session: Session, claim: Claim, error: Exception, app, last: MessageState) -> bool:
    tries = claim.tries + 1
    again_at = app.clock.now() + rules.wait_after(tries)
    state = last if tries >= app.settings.outbox_tries else MessageState.WAITING
    return _mark(session, claim, state=state, tries=tries, not_before_at=again_at, error=_text(error))


def _refused(app, claim: Claim, error: Exception) -> None:
    """The receiver said no for good. An address that does not exist is not tried again until its owner changes it."""
    log.warning("message %s is refused: %s", claim.key, error)
    with app.writing() as session:
        now = app.clock.now()
        if not _mark(session, claim, state=MessageState.FAILED, tries=claim.tries + 1, error=_text(error)):
            return
        if isinstance(error, AddressRefused):
            address = session.get(NoticeAddress, (claim.person_id, claim.channel))
            address.refused_at, address.error = now, _text(error)
        _tell_of_person(session, claim, now)


def _channel_failed(app, claim: Claim, error: Exception) -> None:
    """The channel rests; after the last try the supervisors are told once, and it is tried again every hour."""
    with app.writing() as session:
        now = app.clock.now()
        _waits(session, claim, error, app, MessageState.PARKED)
        fresh = {"channel": claim.channel, "tries": 0}
        insert_or_leave(session, ChannelRest, [fresh], ["channel"])
        rest = session.execute(
            sa.select(ChannelRest).where(ChannelRest.channel == claim.channel).with_for_update()
        ).scalar_one()
        if rest.until_at is not None and rest.until_at > now:
            return  # another clock has just seen the same
        rest.tries += 1
        rest.since_at = rest.since_at or now
        rest.until_at = now + rules.wait_after(rest.tries)
        rest.error = _text(error)
        log.warning("channel %s rests until %s: %s", claim.channel, rest.until_at, error)
        if rest.tries == app.settings.outbox_tries:
            _tell_of_channel(session, rest, now)


def _tell_of_channel(session: Session, rest: ChannelRest, now: datetime) -> None:
    held = sa.select(Message.centre_id).where(
        Message.channel == rest.channel, Message.state.in_((MessageState.WAITING, MessageState.PARKED))
    )
    for centre_id in session.scalars(held.distinct()):
        _tell_supervisors(
            session, f"{rest.channel}:{rest.since_at.isoformat()}", centre_id, now, {"channel": rest.channel}
        )


def _tell_of_person(session: Session, claim: Claim, now: datetime) -> None:
    """Once for each address of a person, however many messages it refuses."""
    address = session.get(NoticeAddress, (claim.person_id, claim.channel))
    person = session.get_one(Person, claim.person_id)
    key = f"{claim.channel}:{person.id}:{address.changed_at.isoformat() if address else ''}"
    _tell_supervisors(session, key, claim.centre_id, now, {"channel": claim.channel, "person": person.name})


def _tell_supervisors(session: Session, key: str, centre_id: int, now: datetime, data: dict) -> None:
    rows = [
        {
            "person_id": p.id,
            "outbox_key": f"parked:{key}"[:200],
            "kind": "parked",
            "data": data,
            "at": now,
            "ticket_number": None,
            "urgent": False,
        }
        for p in people.members(session, "supervisor", centre_id)
    ]
    insert_or_leave(session, Notice, rows, ["outbox_key", "person_id"])


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_ERROR_LETTERS]
