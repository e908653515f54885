"""The desk's own books in the demo's last week: visitors in and out, visits to customers, missed calls and who called back.

Surprise: whoever has the desk by the roster writes them, so the names agree with the handovers.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from service.customers.models import Contact, ContactPhone, Customer
from service.demo import life, texts
from service.demo.customers import Caller
from service.demo.living import Story
from service.demo.people import Staff
from service.demo.week import Week
from service.organisation.models import AreaKind
from service.reception import actions, rules
from service.reception.models import CallState, MissedCall
from service.shifts.models import Shift

VISITORS_A_DAY, VISITS_A_DAY, CALLS_A_DAY = (5, 9), (1, 3), (1, 3)
STAYS_IN = 0.06  # of the visitors: nobody sees them leave
FORGOTTEN = 4  # minutes before the demo's end: a call that waits to be called back


def stories(week: Week, at_desk: dict[tuple[date, Shift], str]) -> None:
    """Every working day some visitors, visits and missed calls, spread over the opening hours."""
    for day in week.working:
        desk = week.who(at_desk[day, Shift.DAY])
        for begin, count in ((_visitor, VISITORS_A_DAY), (_visit, VISITS_A_DAY), (_missed_call, CALLS_A_DAY)):
            for _ in range(week.world.chance.randint(*count)):
                week.world.plan(_some_time(week, day), begin(week, desk))
    if week.told.open_now:
        week.world.plan(week.told.w(FORGOTTEN), _noted(week, week.who(at_desk[week.focus, Shift.DAY])))


def _some_time(week: Week, day: date) -> datetime:
    """While the centre is open, and late enough that the desk was taken over."""
    opens, closes = week.calendar.opening_time(day), week.calendar.closing_time(day)
    return opens + timedelta(minutes=10) + week.world.chance.random() * (closes - opens - timedelta(minutes=60))


def _caller(week: Week) -> Caller:
    """Somebody of an office or a shop."""
    return week.world.chance.choice([c for c in week.place.callers if c.kind is not AreaKind.HOMES])


# --- visitors and visits ----------------------------------------------------------------------------------------------


def _visitor(week: Week, desk: Staff) -> Story:
    """Comes in, and goes out when the visit is over."""
    chance, names = week.world.chance, texts.everything()["names"]
    purpose, card, badge = (part.strip() for part in week.one_of("visitors").split("|"))
    name = chance.choice(names["family"]) + chance.choice(names["given"].split())
    given = rules.VisitorGiven(name, _customer_of(week, _caller(week)), purpose, card, badge)
    row = actions.visitor_in(week.world.app, desk, week.centre_id, given)
    yield week.now + week.minutes(12, 140)
    if chance.random() >= STAYS_IN:
        actions.visitor_out(week.world.app, desk, row)


def _customer_of(week: Week, caller: Caller) -> str:
    query = sa.select(Customer.name).join(Contact, Contact.customer_id == Customer.id).where(Contact.id == caller.contact_id)
    return f"{caller.unit} {week.rows(query)[0]}"


def _visit(week: Week, _desk: Staff) -> Story:
    """A specialist of the building goes to see a customer, and writes it down half an hour later."""
    caller, visited_at = _caller(week), week.now
    purpose, interview, wishes = (part.strip() for part in week.one_of("visits").split("|"))
    yield week.now + week.minutes(20, 40)
    who = week.world.chance.choice(week.place.with_role("specialist", caller.building, shift="day"))
    (contact,) = week.rows(sa.select(Contact.name).where(Contact.id == caller.contact_id))
    given = rules.VisitGiven(visited_at, contact, purpose, interview, wishes)
    actions.record_visit(week.world.app, who, week.centre_id, caller.unit, given)


# --- missed calls -----------------------------------------------------------------------------------------------------


def _missed_call(week: Week, desk: Staff) -> Story:
    """Noted at once and called back in a quarter of an hour; what the customer wants becomes a ticket."""
    caller = _caller(week)
    number = _note(week, desk, caller)
    yield week.later(3, 11)
    outcome = week.world.chance.choices(("answered", "request", "not reached"), (60, 25, 15))[0]
    if outcome == "not reached":
        for wait in (8, 20):
            _call_back(week, desk, number, {"reached": "no"})
            yield week.later(wait, wait + 5)
        return
    reason, words = week.one_of("missed_calls")
    if outcome == "answered":
        _call_back(week, desk, number, {"reached": "yes", "reason": reason, "words": words, "has_request": "no"})
        return
    request = life.plain_repair(week.world, caller)
    _call_back(week, desk, number, {"reached": "yes", "reason": reason, "words": "有东西要修，马上登记", "has_request": "yes"})
    yield week.later(2, 6)
    case = week.world.register(_owner(week, caller), week.place.site, request, caller, urgent=False, channel="missed-call")
    actions.complete(week.world.app, desk, number, {"ticket_number": case.number})
    yield from life.goes_on(week.world, week.place, case)


def _owner(week: Week, caller: Caller) -> Staff:
    return week.world.chance.choice(week.place.with_role("specialist", caller.building, shift="day"))


def _noted(week: Week, desk: Staff) -> Story:
    """A call that nobody has called back yet."""
    _note(week, desk, _caller(week))
    yield from ()


def _note(week: Week, desk: Staff, caller: Caller) -> str:
    phones = week.rows(sa.select(ContactPhone.digits).where(ContactPhone.contact_id == caller.contact_id).order_by(ContactPhone.id))
    rang_at = week.now - timedelta(minutes=1)
    given = rules.CallGiven(phones[0], rang_at, week.world.chance.randint(4, 9))
    return actions.note_call(week.world.app, desk, week.centre_id, given)


def _call_back(week: Week, desk: Staff, number: str, values: dict) -> None:
    """By whoever has the desk, while it waits to be called back."""
    waits = sa.select(MissedCall.id).where(MissedCall.number == number, MissedCall.state == CallState.WAITING)
    if week.rows(waits):
        actions.complete(week.world.app, desk, number, values)
