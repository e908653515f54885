"""Checks of events: timers, messages, links, compensation, errors, and what happens when nobody acts."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks.core import ESCALATION, Finding, Subject, rule
from engine.checks.elements import literal_texts
from engine.checks.flow import reach_from, rings, waits
from engine.dialect import ACTIVITIES, Element, EventKind, Kind, TimerKind

SENDERS = frozenset({Kind.SEND, Kind.THROW, Kind.END})


@rule("timer-cycle", "Only starts of the process and events that do not interrupt repeat.",
      "Use a duration, or make the event non-interrupting (dashed border).")
def _timer_cycle(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        begins = element.kind is Kind.START and element.scope == subject.diagram.key
        if element.event.timer is TimerKind.CYCLE and (element.kind is Kind.CATCH or element.interrupting) and not begins:
            yield Finding(element.id, f"{element.name} repeats, but it happens only once.")


@rule("correlation", "Every message event that waits has a correlation key.",
      "Give the message a subscription correlation key, such as =ticket_number.")
def _correlation(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        waits = element.kind not in SENDERS and not (element.kind is Kind.START and element.scope == subject.diagram.key)
        if waits and element.event.message and element.event.correlation_key is None:
            yield Finding(element.id, f"The message {element.event.message} has no correlation key.")


@rule("link", "Each throwing link event has exactly one catching end of its name in the same scope, and each catching one a throwing one.",
      "Draw both ends in the same sub-process and give them the same link name.")
def _link(subject: Subject) -> Iterator[Finding]:
    links = [e for e in subject.diagram.elements.values() if e.event.kind is EventKind.LINK]
    for link in links:
        ends = subject.other_ends(link)
        if link.kind is Kind.THROW and len(ends) != 1:
            yield Finding(link.id, f"The link {link.event.name} has {len(ends)} catching ends.")
        if link.kind is Kind.CATCH and not any(link in subject.other_ends(other) for other in links):
            yield Finding(link.id, f"Nothing leads to the link {link.event.name}.")


@rule("compensation", "A compensation boundary event is joined to an activity of its scope that is marked for compensation and stands"
      " for nothing else; a compensation that is thrown names an activity that has one.",
      "Draw an association from the compensation boundary event to an activity marked for compensation.")
def _compensation(subject: Subject) -> Iterator[Finding]:
    elements = subject.diagram.elements
    undone = {e.attached_to: e for e in elements.values() if e.kind is Kind.BOUNDARY and e.event.kind is EventKind.COMPENSATION}
    handlers = {e.handler for e in undone.values()}
    for event in undone.values():
        handler = elements.get(event.handler or "")
        if handler is None or handler.scope != event.scope:
            yield Finding(event.id, f"{event.name} is joined to no activity marked for compensation.")
    for element in elements.values():
        if element.for_compensation and element.id not in handlers:
            yield Finding(element.id, f"{element.name} is marked for compensation, but undoes nothing.")
        thrown = element.kind in (Kind.THROW, Kind.END) and element.event.kind is EventKind.COMPENSATION
        if thrown and element.event.activity and element.event.activity not in undone:
            yield Finding(element.id, f"{element.name} takes back {element.event.activity}, which has no compensation.")


@rule("cancel", "Cancel end events stand in transactions, cancel boundary events on them, and one needs the other.",
      "Use a transaction with a cancel boundary event.")
def _cancel(subject: Subject) -> Iterator[Finding]:
    cancelled = {e.attached_to for e in subject.of(Kind.BOUNDARY) if e.event.kind is EventKind.CANCEL}
    for element in subject.diagram.elements.values():
        if element.event.kind is not EventKind.CANCEL:
            continue
        holder = subject.around(element) if element.kind is Kind.END else subject.diagram.elements.get(element.attached_to or "")
        if holder is None or not holder.transaction:
            yield Finding(element.id, f"{element.name} cancels what is no transaction.")
        elif element.kind is Kind.END and holder.id not in cancelled:
            yield Finding(element.id, f"{holder.name} has no cancel boundary event to go on from.")


@rule("caught", "An error or escalation that is thrown is caught around it.",
      "Draw a boundary event or an event sub-process that catches its code; a calling procedure may catch it, too.", warning=True)
def _caught(subject: Subject) -> Iterator[Finding]:
    for element in subject.of(Kind.END, Kind.THROW):
        if element.event.kind in (EventKind.ERROR, EventKind.ESCALATION) and not _is_caught(subject, element):
            yield Finding(element.id, f"Nobody here catches {element.event.name or 'what'} {element.name} throws.")


def _is_caught(subject: Subject, thrower: Element) -> bool:
    def catches(event: Element) -> bool:
        return event.event.kind is thrower.event.kind and event.event.name in (None, thrower.event.name)

    scope: str | None = thrower.scope
    while scope is not None:
        starts = [e for sub in subject.diagram.inside(scope) if sub.triggered_by_event for e in subject.diagram.inside(sub.id)
                  if e.kind is Kind.START]
        if any(map(catches, starts)) or any(map(catches, subject.diagram.boundary_of(scope))):
            return True
        owner = subject.diagram.elements.get(scope)
        scope = owner.scope if owner else None
    return False


@rule("loop-without-person", "Every loop of flows passes somebody: a user task, or a procedure or message that waits for one.",
      "Put a user task or a message catch event into the loop, or let it end after some turns.", warning=True)
def _loop_without_person(subject: Subject) -> Iterator[Finding]:
    for elements in subject.scopes.values():
        waiting = {e.id for e in elements if waits(subject, e)}
        graph = {e.id: subject.targets(e) for e in elements if e.id not in waiting or e.event.kind is EventKind.TIMER}
        for ring in rings(graph):
            if waiting & set(ring):  # the others are faults of endless-loop
                yield Finding(ring[0], f"The loop through {', '.join(ring[:6])} goes round by the clock alone, without end.")


@rule("timer-tells", "What a timer sets off does something: a task, an operation, a call, a message.",
      "Draw what is to happen in the end of the timer's path: a notice, an escalation, a task.", warning=True)
def _timer_tells(subject: Subject) -> Iterator[Finding]:
    for event in subject.of(Kind.BOUNDARY):
        if event.event.kind is EventKind.TIMER and not event.interrupting and not _does_something(subject, event):
            yield Finding(event.id, f"Nothing happens when {event.name} is over.")


def _does_something(subject: Subject, event: Element) -> bool:
    seen: set[str] = set()
    ahead = subject.targets(event)
    while ahead:
        current = subject.diagram.elements.get(ahead.pop())
        if current is None or current.id in seen:
            continue
        if current.kind in ACTIVITIES or current.event.kind not in (EventKind.NONE, EventKind.TIMER, EventKind.LINK):
            return True
        seen.add(current.id)
        ahead += subject.targets(current)
    return False


@rule("same-name", "Branches that run at the same time do not write the same name.",
      "Give each branch a name of its own and join them after the gateway; the one that is done last would win.", warning=True)
def _same_name(subject: Subject) -> Iterator[Finding]:
    for fork in subject.of(Kind.PARALLEL, Kind.INCLUSIVE):
        if len(fork.outgoing) < 2:
            continue
        branches = [reach_from(_graph(subject, fork.scope), subject.diagram.flows[f].target) | {subject.diagram.flows[f].target}
                    for f in fork.outgoing]
        common = set.intersection(*branches)
        writers: dict[str, set[int]] = {}
        for number, branch in enumerate(branches):
            for name in set().union(*(_written(subject, e) for e in branch - common)):
                writers.setdefault(name, set()).add(number)
        twice = sorted(name for name, numbers in writers.items() if len(numbers) > 1)
        if twice:
            yield Finding(fork.id, f"Several branches after {fork.name} write {', '.join(twice[:8])}.")


def _graph(subject: Subject, scope: str) -> dict[str, list[str]]:
    return {e.id: subject.targets(e) for e in subject.diagram.inside(scope)}


def _written(subject: Subject, id: str) -> set[str]:
    """The variables that an element sets in its scope."""
    element = subject.diagram.elements.get(id)
    if element is None or element.multi:
        return {element.multi.output_collection} - {None} if element else set()
    if element.outputs or element.result:
        return {m.target for m in element.outputs} | ({element.result} if element.result else set())
    if element.kind is Kind.USER and element.form in subject.procedure.forms:
        return {f.key for f in subject.procedure.forms[element.form].fields if not f.fixed}
    operation = subject.operations.get(element.operation) if element.operation else None
    return set(operation.outputs) if operation else set()


@rule("lane", "Where a process has lanes, each of its user tasks stands in one.", "Move the task into the lane of who does it.",
      warning=True)
def _lane(subject: Subject) -> Iterator[Finding]:
    if any(e.lane for e in subject.diagram.elements.values()):
        for task in subject.of(Kind.USER):
            if task.lane is None:
                yield Finding(task.id, f"{task.name} stands in no lane.")


@rule("nobody", "Somebody who works here today could take each task.",
      "Give a person the role, or name another group; an absent person's stand-in counts.", warning=True)
def _nobody(subject: Subject) -> Iterator[Finding]:
    if subject.people_in is None:
        return
    for task in subject.of(Kind.USER):
        groups = literal_texts(task.groups)
        known = [group for group in groups if group in subject.roles]
        if groups and known and not task.assignee and not any(subject.people_in(group) for group in known):
            yield Finding(task.id, f"Nobody is in {', '.join(known)}, so nobody could take {task.name}.")


@rule("help", "Asking for help is possible at any time: exactly one non-interrupting message event sub-process of the process"
      " catches ticket.help (or a message ending in .help) and calls the procedure escalation.",
      "Draw one event sub-process, non-interrupting, with a message start ticket.help and a call activity escalation.")
def _help(subject: Subject) -> Iterator[Finding]:
    if subject.diagram.key == ESCALATION:
        return
    found = [e for e in subject.diagram.inside(subject.diagram.key) if e.triggered_by_event and _catches_help(subject, e)]
    if len(found) != 1:
        yield Finding(subject.diagram.key, f"{len(found)} event sub-processes catch a call for help and escalate it.")


def _catches_help(subject: Subject, sub_process: Element) -> bool:
    inside = subject.diagram.inside(sub_process.id)
    starts = [e for e in inside if e.kind is Kind.START and (e.event.message or "").endswith(".help") and not e.interrupting]
    return bool(starts) and any(e.kind is Kind.CALL and e.called == ESCALATION for e in inside)
