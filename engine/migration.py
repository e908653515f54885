"""A running instance moves to another version of its procedure: may it, what would change, and the move itself.

Tokens change the element they stand on, and nothing is played: no operation runs, no condition is asked, no gateway is passed.
What somebody has (due dates, assignees, claims, drafts) and what was armed (due instants, turns left, what has fired) stays.
Surprise: an event that guards or listens is no wait of the flow, so where the new version lacks it, it is cancelled; any other
token that has no place to go refuses the move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.dialect import Element, EventKind, Kind
from engine.differences import JOINS, Difference, Names, compare
from engine.execution import Family, Running
from engine.spiff import Token
from engine.spiff.moving import moved

RULES: dict[str, str] = {
    "element": "A token stands on an element that the new version has too, under its own id or a mapped one.",
    "kind": "The element is of the same kind; a call activity calls the same procedure.",
    "event": "Its event is of the same kind, a timer of the same sort (instant, duration, cycle).",
    "marker": "It has the same marker: several times over the same items, loop, event sub-process, transaction, compensation.",
    "scope": "It stands in the sub-process that stands for the one it stood in.",
    "join": "A flow by which a token came to a join still comes in there, and the join does not become complete by the move.",
    "message": "What waits for a message or signal waits for the same name.",
    "handler": "What can be undone has its compensation event and its handler.",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of one instance. `why` is empty for one that moved."""

    instance_id: str
    outcome: str  # moved | kept | refused
    why: str = ""
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an instance cannot move: the element it stands on, the rule of `RULES`, what is wrong."""

    element: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.element} ({self.rule}): {self.text}"


@dataclass(slots=True)
class Plan:
    """How one instance moves."""

    names: Names
    obstacles: list[Obstacle] = field(default_factory=list)
    cancelled: list[Token] = field(default_factory=list)  # events that the new version does not have there


def differences(old, new, mapping: dict[str, str]) -> tuple[Difference, ...]:
    """What changes for instances of definition `old` that go on under `new`."""
    return tuple(compare(old.procedure, new.procedure, mapping))


# --- may it? -----------------------------------------------------------------------------------------------------------------

def plan(running: Running, target, mapping: dict[str, str]) -> Plan:
    """What moving this instance to the definition `target` would do, with everything that stands against it."""
    made = Plan(Names(running.definition.diagram, target.diagram, mapping))
    for token in running.game.live():
        if _guards(token.element) and not _stays(made.names, token.element):
            made.cancelled.append(token)
        else:
            made.obstacles += _against(made.names, token)
    made.obstacles += _complete_joins(made.names, running)
    return made


def _guards(element: Element) -> bool:
    """Whether it is a boundary event or the start of an event sub-process, but none that can be undone."""
    return element.kind in (Kind.BOUNDARY, Kind.START) and element.event.kind is not EventKind.COMPENSATION


def _stays(names: Names, element: Element) -> bool:
    """Whether the new version has the guarding event, on the same activity or in the same scope."""
    now = names.counterpart(element)
    if now is None:
        return False
    if element.kind is Kind.BOUNDARY:
        return now.kind is Kind.BOUNDARY and now.attached_to == names.element(element.attached_to)
    return now.scope in names.new.elements and names.element(_around(names.old, element)) == _around(names.new, now)


def _around(diagram, start: Element) -> str | None:
    """The scope in which the event sub-process of this start stands; None where it is the start of something else."""
    owner = diagram.elements.get(start.scope)
    return owner.scope if owner is not None and owner.triggered_by_event else None


def _against(names: Names, token: Token) -> Iterator[Obstacle]:
    was, now = token.element, names.counterpart(token.element)

    def no(rule: str, text: str) -> Obstacle:
        return Obstacle(was.id, rule, text)
    undoes = was.event.kind is EventKind.COMPENSATION and was.kind is Kind.BOUNDARY
    if now is None:
        yield no("handler" if undoes else "element", f"the new version has no {names.element(was.id)}. Name the element that stands for it.")
        return
    if (was.kind, was.called) != (now.kind, now.called):
        yield no("kind", f"{now.id} is a {now.kind}{_of(now)}, it was a {was.kind}{_of(was)}.")
        return
    if (was.event.kind, was.event.timer) != (now.event.kind, now.event.timer):
        yield no("event", f"{now.id} is of the event kind {_event(now)}, it was {_event(was)}.")
    if was.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL) and _message(was) != _message(now):
        yield no("message", f"{now.id} waits for {_message(now)}, it waited for {_message(was)}.")
    if _marker(was) != _marker(now):
        yield no("marker", f"{now.id} is marked otherwise: {_marked(now)}, it was {_marked(was)}.")
    yield from _scope(names, was, now)
    if undoes and (now.handler not in names.new.elements or now.attached_to != names.element(was.attached_to)):
        yield no("handler", f"{now.id} no longer says how {was.attached_to} is undone.")
    if was.kind in JOINS and token.flow is not None and names.flow(token.flow) not in now.incoming:
        yield no("join", f"the flow {token.flow} no longer comes in at {now.id}.")


def _of(element: Element) -> str:
    return f" of {element.called}" if element.called else ""


def _event(element: Element) -> str:
    return f"{element.event.kind}{f' ({element.event.timer})' if element.event.timer else ''}"


def _message(element: Element) -> str | None:
    return element.event.message or element.event.name


def _marker(element: Element) -> tuple:
    multi = element.multi
    several = multi and (multi.parallel, multi.collection is None, multi.item, multi.output_collection is None)
    return several, element.loop is not None, element.triggered_by_event, element.transaction, element.for_compensation


def _marked(element: Element) -> str:
    multi = element.multi
    order = "parallel" if multi and multi.parallel else "one after the other"
    words = [f"{order}, item {multi.item or '-'}, results in {multi.output_collection or '-'}"] if multi else []
    words += ["loop"] if element.loop else []
    words += [word for word in ("triggered_by_event", "transaction", "for_compensation") if getattr(element, word)]
    return ", ".join(words).replace("_", " ") or "not at all"


def _scope(names: Names, was: Element, now: Element) -> Iterator[Obstacle]:
    """Every sub-process around it, from the inside out, has its counterpart of the same sort there."""
    old, new, element = names.old, names.new, was.id
    while was is not None:
        if names.element(was.scope) != now.scope:
            yield Obstacle(element, "scope", f"{now.id} stands in {now.scope}, {was.id} stood in {was.scope}.")
            return
        was, now = old.elements.get(was.scope), new.elements.get(now.scope)
        if was is not None and (was.kind, _marker(was)) != (now.kind, _marker(now)):
            yield Obstacle(element, "scope", f"{now.id} around it is of another sort than {was.id}.")
            return


def _complete_joins(names: Names, running: Running) -> Iterator[Obstacle]:
    """Joins that would have a token on each incoming flow: the move would have to play on."""
    waiting = defaultdict(set)
    for token in running.game.live():
        now = names.counterpart(token.element)
        if token.element.kind is Kind.PARALLEL and now is not None and now.kind is Kind.PARALLEL:
            waiting[now.id, token.home].add(names.flow(token.flow))
    for (join, _), brought in waiting.items():
        if brought.issuperset(names.new.elements[join].incoming):
            yield Obstacle(join, "join", "a token waits on each of the flows that still come in. Complete what is open first.")


# --- the move ----------------------------------------------------------------------------------------------------------------

def move(family: Family, running: Running, target, made: Plan) -> Running:
    """The instance on the definition `target`, in the family's step; events that the new version adds are armed."""
    for token in made.cancelled:
        if token.live:
            token.cancel()
    state = moved(running.game.save(), made.names.element, made.names.flow)
    after = Running(family, running.fields | {"definition_hash": target.hash}, target, running.variables, state, running.scopes)
    family.members[running.id] = after
    after.dirty = True
    for element, home, host in _added(made.names, running, after):
        after.game.arm(element.id, home=home, host=host)
    return after


def _added(names: Names, before: Running, after: Running) -> list[tuple[Element, str | None, str | None]]:
    """(event, home, host) of what guards a live activity or listens in an open scope now and did not before."""
    found, graph = [], after.game.graph
    old = names.old
    for token in after.game.live():
        was = before.game.token(token.key)
        if token.task_spec.activity and token.task_spec.item_of is None:
            known = {names.element(e.id) for e in old.boundary_of(was.element.id)}
            found += [(e, token.home, token.key) for e in graph.boundaries.get(token.element.id, ()) if e.id not in known]
    for scope, home, was_scope in _open_scopes(before, after):
        known = {names.element(s.id) for s in old.elements.values() if s.kind is Kind.START and _around(old, s) == was_scope}
        if not _taken_over(after, home):
            found += [(e, home, None) for e in graph.listeners.get(scope, ()) if e.id not in known]
    return found


def _open_scopes(before: Running, after: Running) -> Iterator[tuple[str, str | None, str]]:
    """(scope, token that opened it, scope in the old version)."""
    yield after.definition.diagram.key, None, before.definition.diagram.key
    for token in after.game.live():
        whole = (token.element.multi or token.element.loop) and token.task_spec.item_of is None
        if token.element.kind is Kind.SUBPROCESS and not whole:
            yield token.element.id, token.key, before.game.token(token.key).element.id


def _taken_over(running: Running, home: str | None) -> bool:
    """Whether only event sub-processes (and what undoes) still run in a scope: then no new one begins in it."""
    working = [token.element for token in running.game.live() if token.home == home and not token.listens]
    return all(element.triggered_by_event or element.for_compensation for element in working)
