"""The front desk of the demo: who works it by day, by night and at weekends, its goods, a word for the next shift."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.rules import Calendar
from service.demo.company import Site
from service.organisation.models import Duty, Person, Role
from service.shifts import steps
from service.shifts.models import Goods, GoodsKind, Post, RosterEntry, Shift, ShiftNote

DAY, WEEKEND, NIGHT = "lin", "panli", "dingxf"
GOODS = (
    ("3 座机房钥匙", "把", GoodsKind.COUNT, 12),
    ("对讲机", "台", GoodsKind.COUNT, 4),
    ("待领包裹", "件", GoodsKind.COUNT, 7),
    ("备用金", "元", GoodsKind.MONEY, 50000),
)


def open_desk(session: Session, site: Site, calendar: Calendar, now: datetime) -> None:
    """Post, goods and roster, made of the duty that the demo's roster has given; whoever is on duty answers now."""
    centre_id = site.centre.id
    post = Post(centre_id=centre_id, name="前台", role=Role.SPECIALIST)
    session.add(post)
    session.flush()
    changed = {"changed_by": "chen", "changed_at": now}
    session.add_all(
        Goods(
            centre_id=centre_id,
            post_id=post.id,
            name=name,
            measure=measure,
            kind=kind,
            expected=expected,
            position=n,
            **changed,
        )
        for n, (name, measure, kind, expected) in enumerate(GOODS)
    )
    rows = session.execute(
        sa.select(Duty.id, Duty.starts_at, Duty.ends_at, Person.username)
        .join(Person, Person.id == Duty.person_id)
        .where(Duty.centre_id == centre_id, Duty.role == Role.SPECIALIST, Person.username.in_([DAY, WEEKEND, NIGHT]))
        .order_by(Duty.starts_at)
    ).all()
    for row in rows:
        shift, on = Shift.NIGHT if row.username == NIGHT else Shift.DAY, calendar.local(row.starts_at).date()
        session.add(RosterEntry(centre_id=centre_id, post_id=post.id, day=on, shift=shift, duty_id=row.id, **changed))
    holder = next((row for row in rows if row.starts_at <= now < row.ends_at), None)
    who, since = (holder.username, holder.starts_at) if holder else (DAY, now)
    steps.answer_for(session.connection(), post.id, centre_id, who, "新岗位", since)
    session.add(
        ShiftNote(centre_id=centre_id, post_id=post.id, text="3 座货梯明早检修，搬家的客户改走客梯", by=who, at=now)
    )
