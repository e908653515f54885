"""What people of the demo do to a ticket, one function per step: the values of each form, said as they would say it."""

from __future__ import annotations

from datetime import timedelta

from service.demo.living import Case, World
from service.demo.people import Staff
from service.demo.texts import everything, some
from service.tickets import actions

HOW = ("phone", "phone", "phone", "wechat", "visit")


def dispatch(world: World, case: Case, department: str | None = None, instruction: str | None = None) -> None:
    world.do(case, "dispatch", {"department": department or case.request.department, "instruction": instruction or case.texts["instruction"]})


def accept(world: World, case: Case, by: Staff, worker: Staff | None = None) -> None:
    """The department takes the slip: its head for somebody, or whoever takes it for themselves."""
    case.worker = worker or by
    world.do(case, "accept_slip", {"answer": "accept"} | ({"worker": worker.username} if worker else {}), by)


def ask(world: World, case: Case, by: Staff, question: str) -> None:
    world.do(case, "accept_slip", {"answer": "ask", "question": question}, by)


def answer(world: World, case: Case, text: str) -> None:
    world.do(case, "answer_question", {"answer_text": text})


def cannot_solve(world: World, case: Case, by: Staff, reason: str) -> None:
    world.do(case, "accept_slip", {"answer": "cannot-solve", "reason": reason}, by)


def arrive(world: World, case: Case) -> None:
    photos = world.photo(case, case.worker, "arrive", after=False)
    at = world.clock.now() - timedelta(minutes=world.chance.randint(0, 3))
    world.do(case, "arrive", {"arrived_at": at, "photo_before": photos}, case.worker)


def handle(world: World, case: Case) -> None:
    photos = world.photo(case, case.worker, "handle", after=True)
    minutes = max(5, round(case.request.minutes * world.chance.uniform(0.7, 1.4)))
    values = {"result": case.texts["result"], "cause": case.texts["cause"], "labour_minutes": minutes, "cost_yuan": case.request.yuan,
              "photo_after": photos}
    world.do(case, "handle", values | ({"material": case.texts["material"]} if case.texts["material"] else {}), case.worker)


def verify(world: World, case: Case) -> None:
    world.do(case, "verify", {"passed": "yes"})


def send_back(world: World, case: Case, reason: str) -> None:
    world.do(case, "verify", {"passed": "no", "fail_reason": reason})


def visit(world: World, case: Case, score: int) -> None:
    values = {"reached": "yes", "how": world.chance.choice(HOW), "satisfaction": score}
    words = some(world.chance, "words", score) if score < 5 or world.chance.random() < 0.6 else ""
    world.do(case, "return_visit", values | ({"words": words} if words else {}))


def not_reached(world: World, case: Case) -> None:
    world.do(case, "return_visit", {"reached": "no", "how": "phone"})


def on_the_spot(world: World, case: Case) -> None:
    world.do(case, "handle_on_the_spot", {"result": case.texts["result"]})


def urge(world: World, case: Case, text: str | None = None) -> None:
    actions.urge(world.app, case.owner, case.number, text or some(world.chance, "urge"))


def add_information(world: World, case: Case) -> None:
    actions.add_information(world.app, case.owner, case.number, some(world.chance, "information"))


def withdraw(world: World, case: Case, reason: str | None = None) -> None:
    actions.withdraw(world.app, case.owner, case.number, reason or some(world.chance, "withdraw"))


def ask_help(world: World, case: Case, by: Staff, question: str) -> None:
    actions.ask_help(world.app, by, case.number, question)


def promise(world: World, case: Case, text: str, due_at) -> int:
    return actions.promise(world.app, case.owner, case.number, text, due_at)


def tell(world: World, case: Case) -> None:
    actions.note(world.app, case.owner, case.number, some(world.chance, "told"), "told")


def merge(world: World, case: Case, into: Case) -> None:
    actions.merge(world.app, case.owner, case.number, into.number, "同一件事，一起办")


# --- escalations -------------------------------------------------------------------------------------------------------------

def raise_it(world: World, case: Case, element: str, by: Staff, guidance: str) -> None:
    """Send an escalation on to the next level."""
    world.do(case, element, {"answer": "raise", "guidance": guidance}, by)


def call_in(world: World, case: Case, by: Staff, department: str, guidance: str) -> None:
    world.do(case, "answer_supervisor", {"answer": "call-in", "guidance": guidance, "department_called": department}, by)


def advise(world: World, case: Case, element: str, by: Staff, guidance: str | None = None) -> None:
    world.do(case, element, {"answer": "advise", "guidance": guidance or some(world.chance, "supervisor", "其他")}, by)


def answer_open(world: World, task, reason: str, by: Staff) -> None:
    """Answer an escalation as people of that level do: mostly with advice, now and then by sending it on."""
    if task.element_id == "sign_off":
        values = {"note": some(world.chance, "sign_off")}
    elif task.element_id == "answer_supervisor":
        kind = next((k for k in everything()["supervisor"] if k in reason), "其他")
        values = {"answer": "raise" if world.chance.random() < 0.12 else "advise", "guidance": some(world.chance, "supervisor", kind)}
    else:
        level = "manager" if task.element_id == "answer_manager" else "quality"
        values = {"answer": "advise", "guidance": some(world.chance, level)}
    actions.complete_task(world.app, by, task.id, values)


