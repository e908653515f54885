"""Reading shifts: posts, who is responsible now, the roster of a week, a person's shifts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from service import access
from service.organisation.models import Centre, Duty, Person
from service.shifts import rules
from service.shifts.models import Goods, Post, Responsibility, RosterEntry
from service.shifts.rules import Stint


def centres_of(person: Person, action: str = "see shifts") -> list[Centre]:
    """The centres whose shifts the person may see."""
    seen = access.centre_filter(access.reach(person), action, Centre.id)
    return list(object_session(person).scalars(sa.select(Centre).where(seen).order_by(Centre.id)))


def posts_of(session: Session, centre_id: int, all_of_them: bool = False) -> list[Post]:
    wanted = sa.select(Post).where(Post.centre_id == centre_id, sa.true() if all_of_them else Post.active)
    return list(session.scalars(wanted.order_by(Post.position, Post.id)))


def responsible_at(session: Session, post_id: int, at: datetime) -> str | None:
    """Username of who answered for a post at an instant; None only before the post was there."""
    return session.scalar(
        sa.select(Responsibility.person).where(
            Responsibility.post_id == post_id,
            Responsibility.from_at <= at,
            sa.or_(Responsibility.until_at.is_(None), Responsibility.until_at > at),
        )
    )


def responsible_now(session: Session, centre_id: int) -> dict[int, Responsibility]:
    """Post id -> who answers for it now and since when."""
    rows = session.scalars(
        sa.select(Responsibility).where(Responsibility.centre_id == centre_id, Responsibility.until_at.is_(None))
    )
    return {row.post_id: row for row in rows}


def goods_of(session: Session, post_id: int, all_of_them: bool = False) -> list[Goods]:
    wanted = sa.select(Goods).where(Goods.post_id == post_id, sa.true() if all_of_them else Goods.active)
    return list(session.scalars(wanted.order_by(Goods.position, Goods.id)))


# --- stints -----------------------------------------------------------------------------------------------------------


def stints(session: Session, post_id: int, first: datetime, last: datetime) -> list[Stint]:
    """The shifts of a post that begin from `first` up to `last`, in their order."""
    return _stints(session, RosterEntry.post_id == post_id, Duty.starts_at >= first, Duty.starts_at <= last)


def ending(session: Session, centre_id: int, first: datetime, last: datetime) -> list[tuple[RosterEntry, Stint]]:
    """The shifts of active posts that end from `first` up to (not at) `last`."""
    rows = session.execute(
        sa.select(RosterEntry, Duty, Person.username)
        .join(Duty, Duty.id == RosterEntry.duty_id)
        .join(Person, Person.id == Duty.person_id)
        .join(Post, Post.id == RosterEntry.post_id)
        .where(RosterEntry.centre_id == centre_id, Post.active, Duty.ends_at >= first, Duty.ends_at < last)
        .order_by(Duty.ends_at, RosterEntry.id)
    )
    return [(entry, Stint(entry.id, who, duty.starts_at, duty.ends_at)) for entry, duty, who in rows]


def relief_of(session: Session, post_id: int, stint: Stint) -> Stint | None:
    """Who takes over from a shift, by the roster."""
    return rules.relief(stint, stints(session, post_id, stint.ends_at, stint.ends_at + rules.FOLLOWS_WITHIN))


@dataclass(frozen=True, slots=True)
class Next:
    """The next handover of a post by the roster: when it starts by itself, who gives, who takes."""

    due_at: datetime
    outgoing: str
    incoming: str


def next_handover(session: Session, post_id: int, now: datetime) -> Next | None:
    """None where nobody else is rostered within a week."""
    mine = (RosterEntry.post_id == post_id, Duty.ends_at > now + rules.HANDOVER_BEFORE, Duty.ends_at <= now + rules.FOLLOWS_WITHIN)
    for stint in _stints(session, *mine):
        following = relief_of(session, post_id, stint)
        if following is not None:
            return Next(stint.ends_at - rules.HANDOVER_BEFORE, stint.person, following.person)
    return None


def _stints(session: Session, *clauses) -> list[Stint]:
    rows = session.execute(
        sa.select(RosterEntry.id, Person.username, Duty.starts_at, Duty.ends_at)
        .join(Duty, Duty.id == RosterEntry.duty_id)
        .join(Person, Person.id == Duty.person_id)
        .where(*clauses)
        .order_by(Duty.starts_at, RosterEntry.id)
    )
    return [Stint(r.id, r.username, r.starts_at, r.ends_at) for r in rows]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A person's own shifts around an instant: when the last one ended, when the present or next begins and ends."""

    last_ended_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None


def stretch_of(session: Session, person_id: int, centre_ids: Iterable[int], at: datetime) -> Stretch:
    """By any duty of the person; a duty in several roles at once is one."""
    mine = (Duty.person_id == person_id, Duty.centre_id.in_(list(centre_ids)))
    now = session.execute(
        sa.select(Duty.starts_at, Duty.ends_at)
        .where(*mine, Duty.ends_at > at, Duty.starts_at < at + timedelta(days=7))
        .order_by(Duty.starts_at)
        .limit(1)
    ).first()
    before = now.starts_at if now is not None and now.starts_at < at else at
    last = session.scalar(sa.select(sa.func.max(Duty.ends_at)).where(*mine, Duty.ends_at <= before))
    return Stretch(last, now.starts_at if now else None, now.ends_at if now else None)
