"""Who stands in for whom, the staff within reach, and one person with what they still have to hand on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace

import sqlalchemy as sa
from flask import g, url_for

from service import access
from service.board import leaving, standing_in
from service.organisation.models import Building, Centre, Person
from webui import words
from webui.filters import clock_time, local, when
from webui.gates import service_app
from webui.i18n import gettext, listed


def page(typed: Mapping | None = None) -> SimpleNamespace:
    """The page of substitutes; with the staff for who manages people."""
    now = service_app().clock.now()
    whom, by = standing_in.choices(g.person)
    usual = {"from": _stamp(now), "until": _stamp(now + timedelta(days=1)), "for": g.person.username}
    manages = access.may(g.person, "manage people")
    return SimpleNamespace(
        rows=[_row(row, may_end, now) for row, may_end in standing_in.of(g.person)],
        whom=whom,
        by=by,
        typed=usual | ({k: v for k, v in typed.items()} if typed else {}),
        staff=_staff() if manages else [],
    )


def staff() -> list[SimpleNamespace]:
    """Everybody of the installation, who works here first."""
    return _staff()


def substitutes() -> list[SimpleNamespace]:
    """Who stands in for whom, from when until when, within the reader's reach."""
    return [
        SimpleNamespace(row=_row(row, may_end, service_app().clock.now()), starts_at=row.starts_at, ends_at=row.ends_at)
        for row, may_end in standing_in.of(g.person)
    ]


def person_page(somebody: Person, typed: Mapping | None = None) -> SimpleNamespace:
    """One person: roles, and for each what would have to go to somebody else."""
    roles = [r for r in somebody.roles if leaving.holds(g.session, r)]
    places = _places()
    return SimpleNamespace(
        person=somebody,
        roles=[
            SimpleNamespace(id=r.id, name=_role(r, places), count=leaving.open_work(g.session, somebody, r).count)
            for r in roles
        ],
        work=_work(leaving.open_work(g.session, somebody)),
        receivers=_receivers(somebody, {r.centre_id for r in roles}),
        own=somebody.id == g.person.id,
        typed=typed or {},
    )


def _row(row, may_end: bool, now) -> SimpleNamespace:
    running = row.starts_at <= now
    return SimpleNamespace(
        id=row.id,
        who=row.for_person.name,
        by=row.by_person.name,
        mine=g.person.id in (row.for_person_id, row.by_person_id),
        running=running,
        time=gettext("到 %(until)s", until=when(row.ends_at))
        if running
        else gettext("%(start)s 到 %(until)s", start=when(row.starts_at), until=when(row.ends_at)),
        may_end=may_end,
    )


def _staff() -> list[SimpleNamespace]:
    places = _places()
    people = g.session.scalars(sa.select(Person).order_by(Person.active.desc(), Person.id))
    return [
        SimpleNamespace(
            name=p.name,
            username=p.username,
            active=p.active,
            roles=listed(*(_role(r, places) for r in p.roles if leaving.holds(g.session, r)), items=True),
            href=url_for("people.show", username=p.username),
        )
        for p in people
    ]


def _places() -> tuple[dict, dict]:
    return (
        dict(g.session.execute(sa.select(Centre.id, Centre.name)).all()),
        dict(g.session.execute(sa.select(Building.id, Building.name)).all()),
    )


def _role(role, places: tuple[dict, dict]) -> str:
    where = " ".join(x for x in (places[0].get(role.centre_id, ""), places[1].get(role.building_id, "")) if x)
    return f"{words.role(role.role)} {where}".strip()


def _work(work: leaving.OpenWork) -> list[SimpleNamespace]:
    """Everything that is open, in one list: what, and of which ticket."""
    rows = [
        SimpleNamespace(kind=gettext("任务"), text=t.name, number=t.business_key, until=when(t.due_at))
        for t in work.tasks
    ]
    rows += [
        SimpleNamespace(kind=gettext("负责的单"), text=t.title, number=t.number, until=when(t.resolution_due_at))
        for t in work.tickets
    ]
    rows += [
        SimpleNamespace(kind=gettext("接了的派单"), text=words.slip_state(s.state), number=s.number, until="")
        for s in work.slips
    ]
    rows += [
        SimpleNamespace(kind=gettext("答应客户的"), text=p.text, number="", until=clock_time(p.due_at))
        for p in work.promises
    ]
    return rows


def _receivers(somebody: Person, centres: set[int | None]) -> list[Person]:
    people = g.session.scalars(sa.select(Person).where(Person.active, Person.id != somebody.id).order_by(Person.name))
    return [p for p in people if None in centres or any(r.centre_id in centres for r in p.roles)]


def _stamp(at) -> str:
    return f"{local(at):%Y-%m-%dT%H:%M}"
