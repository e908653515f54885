"""What steps do to shifts. Called inside a step or an action, on its connection; nothing here decides where a process goes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from service.errors import NotThere, Refused
from service.organisation.models import Person, Substitute
from service.shifts import checking, rules
from service.shifts.models import (
    CheckAnswer,
    DayCheck,
    DayCheckItem,
    Goods,
    GoodsKind,
    Handover,
    HandoverGoods,
    HandoverItem,
    HandoverRecord,
    HandoverState,
    ItemKind,
    Leave,
    LeaveState,
    Post,
    Responsibility,
    ShiftNote,
)
from service.signing.models import Signature
from service.subjects.steps import name as name_subject
from service.tickets.steps import person_meant

_post, _responsibility, _person, _substitute = (t.__table__ for t in (Post, Responsibility, Person, Substitute))
_handover, _item, _counted, _goods, _note = (
    t.__table__ for t in (Handover, HandoverItem, HandoverGoods, Goods, ShiftNote)
)
_record, _signature, _leave = HandoverRecord.__table__, Signature.__table__, Leave.__table__
_check, _check_item = DayCheck.__table__, DayCheckItem.__table__

NONE = "无"
FOR_LONG = timedelta(days=1)  # a cover acts until the person is back, whatever was planned


def answer_for(connection: Any, post_id: int, centre_id: int, username: str, reason: str, now: datetime) -> None:
    """From `now` on `username` answers for the post, and nobody else does: the stretch before ends at the same instant.

    The post's row is locked, so that two changes at once follow each other.
    """
    connection.execute(sa.select(_post.c.id).where(_post.c.id == post_id).with_for_update())
    mine = sa.and_(_responsibility.c.post_id == post_id, _responsibility.c.until_at.is_(None))
    open_one = connection.execute(sa.select(_responsibility.c.id, _responsibility.c.person).where(mine)).first()
    if open_one is not None and open_one.person == username:
        return
    if open_one is not None:
        connection.execute(sa.update(_responsibility).where(mine).values(until_at=now))
    connection.execute(
        sa.insert(_responsibility).values(
            centre_id=centre_id, post_id=post_id, person=username, from_at=now, reason=reason[:120]
        )
    )


# --- handovers --------------------------------------------------------------------------------------------------------


def handover_of(connection: Any, number: str) -> SimpleNamespace:
    """The handover that a process instance is about. Its business key is the handover's number. Raises NotThere."""
    row = connection.execute(sa.select(_handover).where(_handover.c.number == number)).mappings().first()
    if row is None:
        raise NotThere("Handover", number)
    return SimpleNamespace(**row)


def handover_opened(
    connection: Any, number: str, centre_id: int, instance_id: str, given: dict[str, Any], now: datetime
) -> None:
    """Write the handover down, with the goods of its post as they are expected now."""
    handover_id = connection.execute(
        sa.insert(_handover)
        .values(
            number=number,
            centre_id=centre_id,
            instance_id=instance_id,
            opened_at=now,
            day=date.fromisoformat(given["day"]),
            state=HandoverState.OPEN,
            matters="",
            back_count=0,
            difference="",
            settlement="",
            **{k: given[k] for k in _GIVEN},
        )
        .returning(_handover.c.id)
    ).scalar_one()
    columns = ("name", "measure", "kind", "expected")
    rows = connection.execute(
        sa.select(_goods)
        .where(_goods.c.post_id == given["post_id"], _goods.c.active)
        .order_by(_goods.c.position, _goods.c.id)
    )
    for row in rows.mappings().all():
        values = {name: row[name] for name in columns}
        connection.execute(
            sa.insert(_counted).values(
                centre_id=centre_id, handover_id=handover_id, goods_id=row["id"], remark="", **values
            )
        )
    name_subject(connection, number, centre_id, "handover", f"交接班 {given['post_name']}", given["post_name"])


_GIVEN = ("post_id", "post_name", "shift", "outgoing", "incoming", "shift_ends_at", "sign_due_at")


def given(connection: Any, handover: SimpleNamespace, signature: Any, now: datetime) -> None:
    """The outgoing person has signed: from here the incoming person counts and goes through it."""
    _change(connection, handover, state=HandoverState.GIVEN, given_at=now, out_signature_id=signature.id)
    connection.execute(sa.update(_counted).where(_counted.c.handover_id == handover.id).values(counted_in=None))


def differs(connection: Any, handover: SimpleNamespace, words: str, by: str, now: datetime) -> int:
    """The incoming person found something else; gives the how-manieth time it is. The first goes back, later ones to the supervisor."""
    count = handover.back_count + 1
    told = f"{handover.difference}\n第 {count} 次：{words}".strip()
    state = HandoverState.BACK if count == 1 else HandoverState.SETTLING
    _change(connection, handover, back_count=count, difference=told, state=state)
    return count


def settled(connection: Any, handover: SimpleNamespace, words: str, by: str) -> None:
    """The supervisor has decided about the difference; the incoming person signs with it."""
    told = f"{handover.settlement}\n{words}".strip()
    _change(connection, handover, settlement=told, settled_by=by, state=HandoverState.GIVEN)


def renamed(connection: Any, handover: SimpleNamespace, incoming: str) -> str:
    """Another person takes over; gives the username. Raises Refused for the outgoing person."""
    who = person_meant(connection, incoming, handover.centre_id)
    if who == handover.outgoing:
        raise Refused("Nobody takes over from themselves. Name another person.", "person")
    _change(connection, handover, incoming=who)
    connection.execute(sa.update(_item).where(_item.c.handover_id == handover.id).values(ticked=False))
    connection.execute(sa.update(_counted).where(_counted.c.handover_id == handover.id).values(counted_in=None))
    return who


def taken(connection: Any, handover: SimpleNamespace, signature: Any, now: datetime) -> None:
    """The incoming person has signed, and answers for the post from this instant; the paper's row is written."""
    _change(connection, handover, state=HandoverState.DONE, done_at=now, in_signature_id=signature.id)
    answer_for(connection, handover.post_id, handover.centre_id, handover.incoming, handover.number, now)
    listed = connection.execute(
        sa.select(_item).where(_item.c.handover_id == handover.id).order_by(_item.c.position, _item.c.id)
    ).all()
    notes = [int(row.key) for row in listed if row.kind == ItemKind.NOTE]
    connection.execute(sa.update(_note).where(_note.c.id.in_(notes)).values(handover_id=handover.id))
    _write_record(connection, handover, listed, signature, now)


def _write_record(connection: Any, handover: SimpleNamespace, listed: list, signature: Any, now: datetime) -> None:
    counted = connection.execute(
        sa.select(_counted).where(_counted.c.handover_id == handover.id).order_by(_counted.c.id)
    ).all()
    names = dict(
        connection.execute(
            sa.select(_person.c.username, _person.c.name).where(
                _person.c.username.in_([handover.outgoing, handover.incoming])
            )
        ).all()
    )
    out_hash = connection.execute(
        sa.select(_signature.c.content_hash).where(_signature.c.id == handover.out_signature_id)
    ).scalar()
    connection.execute(
        sa.insert(_record).values(
            number=handover.number,
            centre_id=handover.centre_id,
            day=handover.day,
            post=handover.post_name,
            shift=handover.shift,
            outgoing=names.get(handover.outgoing, handover.outgoing),
            incoming=names.get(handover.incoming, handover.incoming),
            unfinished=_lines(_item_line(r) for r in listed if r.kind in (ItemKind.TICKET, ItemKind.SLIP)),
            to_follow=_lines(_item_line(r) for r in listed if r.kind not in (ItemKind.TICKET, ItemKind.SLIP)),
            goods=_lines(_goods_line(r) for r in counted),
            matters=handover.matters or NONE,
            difference=_lines(filter(None, (handover.difference, handover.settlement))),
            given_at=handover.given_at,
            taken_at=now,
            out_hash=out_hash,
            in_hash=signature.content_hash,
        )
    )


def _item_line(row: Any) -> str:
    number = "" if row.kind == ItemKind.NOTE else row.where if row.kind == ItemKind.PROMISE else row.key
    return f"{number} {row.title}：{row.comment or '交班后新来的'}".strip()


def _goods_line(row: Any) -> str:
    have = [rules.amount(GoodsKind(row.kind), n, row.measure) for n in (row.expected, row.counted_out, row.counted_in)]
    return f"{row.name}：应有 {have[0]}，交 {have[1]}，接 {have[2]}" + (f"（{row.remark}）" if row.remark else "")


def _lines(found: Any) -> str:
    """One a line, as on paper; what there is none of says so."""
    return "\n".join(found) or NONE


def _change(connection: Any, handover: SimpleNamespace, **values: Any) -> None:
    connection.execute(sa.update(_handover).where(_handover.c.id == handover.id).values(**values))
    for name, value in values.items():
        setattr(handover, name, value)


# --- the check before going home --------------------------------------------------------------------------------------


def check_opened(
    connection: Any, number: str, centre_id: int, instance_id: str, given: dict[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """Write the check down with what is to be answered; gives its items: key, kind, title."""
    found = checking.open_of(connection, centre_id, given["person"], given["since_at"], now)
    check_id = connection.execute(
        sa.insert(_check)
        .values(
            number=number,
            centre_id=centre_id,
            person=given["person"],
            day=date.fromisoformat(given["day"]),
            shift_ends_at=given["shift_ends_at"],
            instance_id=instance_id,
            opened_at=now,
        )
        .returning(_check.c.id)
    ).scalar_one()
    for position, item in enumerate(found):
        connection.execute(
            sa.insert(_check_item).values(centre_id=centre_id, check_id=check_id, position=position, words="", **item)
        )
    name_subject(connection, number, centre_id, "end-of-day-check", "班后自查")
    return found


def check_of(connection: Any, number: str) -> SimpleNamespace:
    row = connection.execute(sa.select(_check).where(_check.c.number == number)).mappings().first()
    if row is None:
        raise NotThere("Check", number)
    return SimpleNamespace(**row)


def check_answered(
    connection: Any, check: SimpleNamespace, kind: str, key: str, answer: str, words: str, now: datetime
) -> None:
    connection.execute(
        sa.update(_check_item)
        .where(_check_item.c.check_id == check.id, _check_item.c.kind == kind, _check_item.c.key == key)
        .values(answer=CheckAnswer(answer), words=words, answered_at=now)
    )


def check_done(connection: Any, check: SimpleNamespace, now: datetime) -> None:
    connection.execute(sa.update(_check).where(_check.c.id == check.id).values(done_at=now))


def check_late(connection: Any, check: SimpleNamespace, now: datetime) -> int:
    """The shift is over; gives how many items nobody has answered."""
    connection.execute(sa.update(_check).where(_check.c.id == check.id).values(late_told_at=now))
    return connection.execute(
        sa.select(sa.func.count()).where(_check_item.c.check_id == check.id, _check_item.c.answer.is_(None))
    ).scalar_one()


# --- leaving the post -------------------------------------------------------------------------------------------------


def leave_of(connection: Any, number: str) -> SimpleNamespace:
    row = connection.execute(sa.select(_leave).where(_leave.c.number == number)).mappings().first()
    if row is None:
        raise NotThere("Leave", number)
    return SimpleNamespace(**row)


def left(connection: Any, leave: SimpleNamespace, cover: str, named_by: str, now: datetime) -> str:
    """The leave begins: the cover acts for whoever is away, until they are back; gives the cover's username.

    Raises Refused for a cover who is away too, is the person, or does not work here: no post is ever vacant (clause 24.6).
    """
    who = person_meant(connection, cover, leave.centre_id)
    if who == leave.person:
        raise Refused("Nobody covers for themselves. Name another person.", "cover")
    away = sa.select(_leave.c.id).where(_leave.c.person == who, _leave.c.state == LeaveState.AWAY)
    if connection.execute(away).first() is not None:
        raise Refused("Whom you named is away from the post as well. Name another person.", "cover")
    ids = dict(
        connection.execute(
            sa.select(_person.c.username, _person.c.id).where(_person.c.username.in_([leave.person, who]))
        ).all()
    )
    substitute_id = connection.execute(
        sa.insert(_substitute)
        .values(for_person_id=ids[leave.person], by_person_id=ids[who], starts_at=now, ends_at=now + FOR_LONG)
        .returning(_substitute.c.id)
    ).scalar_one()
    values = {
        "cover": who,
        "named_by": named_by,
        "state": LeaveState.AWAY,
        "left_at": now,
        "substitute_id": substitute_id,
    }
    connection.execute(sa.update(_leave).where(_leave.c.id == leave.id).values(**values))
    return who


def came_back(connection: Any, leave: SimpleNamespace, now: datetime) -> None:
    """Back at the post: the cover's turn ends at this instant."""
    connection.execute(sa.update(_leave).where(_leave.c.id == leave.id).values(state=LeaveState.BACK, back_at=now))
    connection.execute(sa.update(_substitute).where(_substitute.c.id == leave.substitute_id).values(ends_at=now))


def leave_refused(connection: Any, leave: SimpleNamespace, reason: str, now: datetime) -> None:
    connection.execute(
        sa.update(_leave).where(_leave.c.id == leave.id).values(state=LeaveState.REFUSED, refusal=reason, back_at=now)
    )
