"""Operations on shifts: handovers (clause 25), the check before going home (24.8), leaving the post (24.6)."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

from service.notifications.notify import tell
from service.operations import registry
from service.shifts import steps
from service.signing.steps import spend

# --- handover ---------------------------------------------------------------------------------------------------------

OPENING = {
    "post_id": int,
    "post_name": str,
    "day": str,
    "shift": str,
    "outgoing": str,
    "incoming": str,
    "shift_ends_at": datetime,
    "sign_due_at": datetime,
}


@registry.operation("handover.open", inputs=OPENING)
def open_handover(step, **given):
    """Write the handover down with the goods of its post; both people are told."""
    given["post_id"] = int(given["post_id"])
    steps.handover_opened(step.connection, step.business_key, step.scope.centre, step.root_id, given, step.now)
    _tell(step, "handover-begins", [given["outgoing"], given["incoming"]])


@registry.operation("handover.give", inputs={"signature": int})
def give(step, *, signature):
    """The outgoing person has signed; the incoming one is told. Refused without that signature."""
    handover = _handover(step)
    signed = spend(step.connection, signature, handover.number, "handover-out", step.actor.person, _here(step))
    steps.given(step.connection, handover, signed, step.now)
    _tell(step, "handover-given", [handover.incoming])


@registry.operation("handover.take", inputs={"signature": int})
def take(step, *, signature):
    """The incoming person has signed and answers for the post from now on. Refused without that signature."""
    handover = _handover(step)
    signed = spend(step.connection, signature, handover.number, "handover-in", step.actor.person, _here(step))
    steps.taken(step.connection, handover, signed, step.now)
    _tell(step, "handover-taken", [handover.outgoing])


@registry.operation("handover.differ", inputs={"difference": str}, outputs=("back_count",))
def differ(step, *, difference):
    """The incoming person found a difference; gives how often that has happened."""
    handover = _handover(step)
    count = steps.differs(step.connection, handover, difference or "", step.actor.person, step.now)
    people, groups = ([handover.outgoing], []) if count == 1 else ([handover.outgoing], ["supervisor"])
    _tell(step, "handover-differs", people, groups)
    return {"back_count": count}


@registry.operation("handover.settle", inputs={"settlement": str})
def settle(step, *, settlement):
    """The supervisor has decided about the difference; both people are told."""
    handover = _handover(step)
    steps.settled(step.connection, handover, settlement or "", step.actor.person)
    _tell(step, "handover-settled", [handover.incoming, handover.outgoing])


@registry.operation("handover.remind", inputs={"whom": str})
def remind(step, *, whom):
    """Tell the outgoing or the incoming person that the time to sign has come."""
    handover = _handover(step)
    people = {"outgoing": handover.outgoing, "incoming": handover.incoming}
    if whom not in people:
        raise ValueError(f"handover.remind knows whom = outgoing, incoming; {whom} is none of them")
    _tell(step, "handover-late", [people[whom]])


@registry.operation("handover.rename", inputs={"person": str}, outputs=("incoming",))
def rename(step, *, person):
    """Another person takes over; gives who."""
    handover = _handover(step)
    who = steps.renamed(step.connection, handover, person or "")
    _tell(step, "handover-given", [who])
    return {"incoming": who}


# --- check before going home ------------------------------------------------------------------------------------------


@registry.operation(
    "check.open",
    inputs={"person": str, "day": str, "since_at": datetime, "shift_ends_at": datetime},
    outputs=("items",),
)
def open_check(step, **given):
    """Write the check down; gives what is to be answered as `items` (kind, key, title); the person is told."""
    found = steps.check_opened(step.connection, step.business_key, step.scope.centre, step.root_id, given, step.now)
    if found:
        _tell(step, "check-due", [given["person"]], count=len(found))
    return {"items": found}


@registry.operation("check.answer", inputs={"item": dict, "answer": str, "words": str}, optional=("words",))
def answer(step, *, item, answer, words=None):
    """One item is answered: done, told to the department, or handed over."""
    check = steps.check_of(step.connection, step.business_key)
    steps.check_answered(step.connection, check, item["kind"], item["key"], answer, words or "", step.now)


@registry.operation("check.close")
def close_check(step):
    """Everything is answered."""
    steps.check_done(step.connection, steps.check_of(step.connection, step.business_key), step.now)


@registry.operation("check.late")
def late_check(step):
    """The shift is over and something is not answered: person and supervisor are told how much."""
    check = steps.check_of(step.connection, step.business_key)
    count = steps.check_late(step.connection, check, step.now)
    _tell(step, "check-late", [check.person], ["supervisor"], count=count)


# --- leaving the post -------------------------------------------------------------------------------------------------


@registry.operation("leave.begin", inputs={"cover": str}, outputs=("cover",))
def begin_leave(step, *, cover):
    """The leave begins: the cover acts for whoever is away, and both are told. Gives the cover."""
    leave = steps.leave_of(step.connection, step.business_key)
    who = steps.left(step.connection, leave, cover or "", step.actor.person, step.now)
    _tell(step, "leave-cover", [who])
    _tell(step, "leave-begins", [leave.person])
    return {"cover": who}


@registry.operation("leave.refuse", inputs={"refusal": str})
def refuse_leave(step, *, refusal):
    """The supervisor does not let the person go now; they are told why."""
    leave = steps.leave_of(step.connection, step.business_key)
    steps.leave_refused(step.connection, leave, refusal or "", step.now)
    _tell(step, "leave-refused", [leave.person], reason=refusal or "")


@registry.operation("leave.late")
def late_leave(step):
    """Not back in time: the person, the cover and the supervisor are told."""
    leave = steps.leave_of(step.connection, step.business_key)
    _tell(step, "leave-late", [leave.person, leave.cover], ["supervisor"])


@registry.operation("leave.end")
def end_leave(step):
    """Back at the post; the cover is told."""
    leave = steps.leave_of(step.connection, step.business_key)
    steps.came_back(step.connection, leave, step.now)
    _tell(step, "leave-over", [leave.cover])


def _handover(step):
    return steps.handover_of(step.connection, step.business_key)


def _here(step) -> str:
    return f"{step.root_id}:{step.element_id}"


def _tell(step, kind, people=(), groups=(), **data):
    tell(step, kind, SimpleNamespace(number=step.business_key), people, groups, urgent=True, **data)
