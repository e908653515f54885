"""A small centre that has lived through a day: tickets at every stage, timers fired, help asked, notices sent. Real parts only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from engine.clock import FrozenClock
from engine.tables import user_task
from service import app as service
from service import demo
from service.notifications.deliver import deliver_due
from service.organisation.models import Person
from service.settings import Settings
from service.tickets import actions
from service.tickets.models import Slip, Ticket
from service.timetable.actions import start_due
from tests.chaos.checker import Asked

LEAK = {"category": "repair", "request": "茶水间吊顶滴水，地上湿了", "expectation": "come-now", "reply_deadline_kind": "none", "urgency": "urgent",
        "on_the_spot": False}
HANDLED = {"result": "换了阀门", "cause": "阀门老化", "material": "DN20", "labour_minutes": 40, "cost_yuan": 0, "photo_after": []}
REACHED = {"reached": "yes", "how": "phone", "satisfaction": 5, "words": "来得快"}


class Day:
    """The centre with its clock; every request keeps its id, as a client would."""

    def __init__(self, database, at, folder: Path):
        self.clock, self.asked = FrozenClock(at), []
        settings = Settings(var_dir=folder, database_url=database.url.render_as_string(hide_password=False), secret_key="only for tests")
        self.app = service.create(settings, clock=self.clock, database=database)
        self.world = demo.world(self.app)

    def person(self, username: str) -> Person:
        with self.app.session() as session:
            return session.get_one(Person, self.world.people[username])

    def _request(self, action: str, subject: str, person: str) -> str:
        id = f"request-{len(self.asked) + 1}"
        self.asked.append(Asked(id, action, subject, person, "acknowledged"))
        return id

    def register(self, unit: str = "3-1201", by: str = "lin", **values) -> str:
        id = self._request("register", unit, by)
        return actions.register(self.app, self.person(by), LEAK | values, unit_id=self.world.units[unit], request_id=id).number

    def do(self, number: str, element: str, by: str, **values) -> None:
        with self.app.database.connect() as connection:
            task = connection.execute(select(user_task.c.id).where(
                user_task.c.business_key == number, user_task.c.element_id == element, user_task.c.state == "open")).scalar_one()
        actions.complete_task(self.app, self.person(by), task, values, request_id=self._request("complete", task, by))

    def say(self, action, number: str, by: str, *more) -> None:
        kind = action.__name__ if action in (actions.promise, actions.note) else "message"
        action(self.app, self.person(by), number, *more, request_id=self._request(kind, number, by))

    def pass_time(self, **by: int) -> None:
        """Time goes on; the clock's jobs run once: what the timetable has for this time begins, too."""
        self.clock.advance(timedelta(**by))
        self.app.engine.fire_due(1000)
        start_due(self.app)
        deliver_due(self.app, 1000)

    def ticket(self, number: str) -> Ticket:
        with self.app.session() as session:
            return session.scalars(select(Ticket).where(Ticket.number == number)).one()

    def slips(self, number: str) -> list[Slip]:
        with self.app.session() as session:
            return list(session.scalars(select(Slip).join(Ticket).where(Ticket.number == number).order_by(Slip.count)))


def live(day: Day) -> dict[str, str]:
    """The day's events; gives the ticket numbers by what became of them."""
    done, seen, waits, asks, gone = (day.register(unit) for unit in ("3-1201", "2-0805", "3-0902", "1-1502", "2-1604"))
    spot = day.register("3-1107", urgency="normal", category="enquiry", on_the_spot=True)
    day.do(spot, "handle_on_the_spot", "lin", result="告诉了预约电话")
    for number in (done, seen, waits, asks):
        day.do(number, "dispatch", "lin", department="engineering", instruction="先关阀再查")
    for number in (done, seen):
        day.do(number, "accept_slip", "gao", answer="accept", worker="liu")
    day.do(asks, "accept_slip", "gao", answer="ask", question="阀门在哪？")
    day.say(actions.urge, seen, "lin", "下午有会")
    day.say(actions.add_information, seen, "lin", "钥匙在前台")
    day.say(actions.promise, seen, "lin", "五点前回电", day.clock.now() + timedelta(hours=6))
    day.say(actions.note, seen, "lin", "客户在楼下等")
    day.pass_time(minutes=10)
    for number in (done, seen):
        day.do(number, "arrive", "liu", arrived_at=day.clock.now(), photo_before=[])
    day.say(actions.ask_help, seen, "liu", "要停整栋水")
    day.do(done, "handle", "liu", **HANDLED)
    day.do(done, "verify", "lin", passed="no", fail_reason="还在滴")
    day.do(done, "arrive", "liu", arrived_at=day.clock.now(), photo_before=[])
    day.do(done, "handle", "liu", **HANDLED)
    day.do(done, "verify", "lin", passed="yes")
    day.pass_time(minutes=20)  # nobody accepted `waits`: its response limit passes, an escalation starts
    day.do(done, "return_visit", "lin", **REACHED)
    day.say(actions.withdraw, gone, "lin", "自己修好了")
    day.pass_time(hours=2)  # the escalation goes up a level; `seen` is nearly due
    return {"done": done, "seen": seen, "waits": waits, "asks": asks, "gone": gone, "spot": spot}
