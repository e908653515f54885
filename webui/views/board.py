"""The board in words: figures, calls for help, lanes of cards, slips without an answer, and how much each person has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from service import access
from service.board import actions, queries
from webui import people, words
from webui.diagram_texts import diagram_text
from webui.errors import fault_of
from webui.filters import Clock, clock, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.views.story import element_name

SHOWN = 6  # cards of a lane before "more"
BUSY = 8  # from more than this a person counts as busy
BLOCKS = 12
PEOPLE_SHOWN = 12
SLIPS_SHOWN = 5
STEPS = ("to-dispatch", "to-accept", "in-hand", "to-verify", "to-visit", "other")
STEP_OF = {
    "register": "to-dispatch",
    "dispatch": "to-dispatch",
    "handle_on_the_spot": "in-hand",
    "accept_slip": "to-accept",
    "answer_question": "to-accept",
    "arrive": "in-hand",
    "handle": "in-hand",
    "verify": "to-verify",
    "return_visit": "to-visit",
    "sign_off": "to-visit",
}


@dataclass(slots=True)
class Tile:
    """One figure on top: what it counts, and where a look at it leads."""

    key: str
    count: int
    text: str
    href: str
    kind: str = ""  # over, soon, or nothing
    current: bool = False


@dataclass(slots=True)
class CardView:
    task_id: str
    clock: Clock
    who: str
    what: str
    where: str
    step: str
    href: str
    vip: bool
    pick: bool
    strong: bool


@dataclass(slots=True)
class Lane:
    key: str
    name: str
    count: int
    over: int
    cards: list[CardView]
    more: int = 0
    more_href: str = ""


@dataclass(slots=True)
class Page:
    tiles: list[Tile]
    calls: list
    slips: list
    slip_count: int
    lanes: list[Lane]
    by: str
    only: str
    lane: str
    people: list
    idle: int
    receivers: list
    may_assign: bool
    ways: list  # by department, by step
    all_href: str
    slips_href: str
    report: Any = None
    typed: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)


def page(by: str = "", only: str = "", lane: str = "") -> Page:
    """The board by department or by step (`by`), narrowed to what is `only` over or soon, or to one whole `lane`."""
    found = queries.board(g.person)
    by, only = ("step" if by == "step" else "department"), (only if only in ("over", "soon") else "")
    _know(found)
    lanes = _lanes(found, by, only, lane)
    lane = lane if any(x.key == lane for x in lanes) else ""
    return Page(
        _tiles(found, by, only),
        [_call(c) for c in found.calls],
        [_slip(s) for s in found.slips[:SLIPS_SHOWN]],
        found.slip_count,
        [x for x in lanes if lane in ("", x.key)],
        by,
        only,
        lane,
        [_person(p) for p in found.people if p.open or p.on_duty][:PEOPLE_SHOWN],
        sum(1 for p in found.people if not p.open),
        _receivers(found),
        found.may_assign,
        [_way("department", gettext("按部门"), by, only), _way("step", gettext("按步骤"), by, only)],
        _address(by),
        _address("step", lane="to-accept"),
        query={"by": by if by == "step" else None, "only": only or None, "lane": lane or None},
    )


def rows(by: str, only: str, lane: str, most: int) -> list[SimpleNamespace]:
    """Every card in the order of the screen, lane by lane, not only the first ones of each: lane, card, and it in words."""
    found = queries.board(g.person, rows=most)
    by, only = ("step" if by == "step" else "department"), (only if only in ("over", "soon") else "")
    _know(found)
    names = _order({_key(by)(c): 0 for c in found.cards}, by)
    return [
        SimpleNamespace(lane=_lane_name(name, by), card=card, row=_card(card, found, by))
        for name in names
        if lane in ("", name) or lane not in names
        for card in _of_lane(name, found, by, only)
    ]


def calls() -> list[SimpleNamespace]:
    """The calls for help that wait for an answer, those of the reader first."""
    found = queries.board(g.person)
    _know(found)
    return [SimpleNamespace(call=call, row=_call(call)) for call in found.calls]


def slips(most: int) -> list[SimpleNamespace]:
    """Every slip that nobody has accepted, the nearest limit first."""
    return [SimpleNamespace(slip=slip, row=_slip(slip)) for slip in queries.board(g.person, slips=most).slips]


def loads() -> list[SimpleNamespace]:
    """Everybody who works here, with what they have."""
    return [SimpleNamespace(load=load, row=_person(load)) for load in queries.board(g.person).people]


def report(given: list[actions.Given], to: str | None) -> SimpleNamespace:
    """What came of each row, in words: one line for all that went well, one for each that did not."""
    done, bad = [x for x in given if x.error is None], [x for x in given if x.error is not None]
    who = people.name_of(to)
    if to == g.person.username:
        text = gettext("%(n)d 件归我了", n=len(done))
    elif to:
        text = gettext("%(n)d 件已交给%(who)s", n=len(done), who=who)
    else:
        text = gettext("%(n)d 件已还给部门", n=len(done))
    return SimpleNamespace(
        done=len(done),
        text=text,
        bad=[
            SimpleNamespace(
                name=listed(x.name, x.number) or gettext("选中的一件"),
                href=url_for("tickets.show", number=x.number) if x.number else "",
                fault=fault_of(x.error),
            )
            for x in bad
        ],
    )


def _address(by: str, only: str = "", lane: str = "") -> str:
    return url_for("board.index", by=by if by == "step" else None, only=only or None, lane=lane or None)


def _way(way: str, text: str, by: str, only: str) -> SimpleNamespace:
    return SimpleNamespace(href=_address(way, only), text=text, current=way == by)


# --- parts ------------------------------------------------------------------------------------------------------------


def _know(found: queries.Board) -> None:
    people.names().update({p.username: p.name for p in found.people})
    people.know([c.asked_by for c in found.calls])


def _tiles(found: queries.Board, by: str, only: str) -> list[Tile]:
    def narrowed(what: str) -> str:
        return _address(by, "" if only == what else what)

    mine = sum(1 for c in found.calls if c.card.mine)
    soon = sum(1 for c in found.cards if c.chip is queries.Chip.SOON)
    tiles = [
        Tile("calls", mine, gettext("等我答复"), "#calls"),
        Tile("over", found.over, gettext("已经超时"), narrowed("over"), "over" if found.over else "", only == "over"),
        Tile("soon", soon, gettext("快到时限"), narrowed("soon"), "soon" if soon else "", only == "soon"),
        Tile("slips", found.slip_count, gettext("派单没人接"), "#slips", "over" if _late(found) else ""),
    ]
    href = url_for("incidents.index") if access.may(g.person, "resolve incidents") else ""
    tiles.append(Tile("incidents", found.incidents, gettext("流程故障"), href, "over" if found.incidents else ""))
    return tiles


def _late(found: queries.Board) -> bool:
    now = service_app().clock.now()
    return any(s.due_at and s.due_at <= now for s in found.slips)


def _lanes(found: queries.Board, by: str, only: str, lane: str) -> list[Lane]:
    figures: dict[str, list[int]] = {}
    for name, one in (found.elements if by == "step" else found.departments).items():
        name = STEP_OF.get(name, "other") if by == "step" else name
        sums = figures.setdefault(name, [0, 0])
        sums[0], sums[1] = sums[0] + one.open, sums[1] + one.over
    return [_lane(name, found, by, only, lane, figures.get(name, [0, 0])) for name in _order(figures, by)]


def _order(figures: dict, by: str) -> list[str]:
    if by == "step":
        return [s for s in STEPS if s != "other" or s in figures]
    usual = [queries.DESK_COLUMN, "engineering", "safety"]
    rest = sorted(k for k in figures if k not in (*usual, queries.LEAD_COLUMN))
    return usual + rest + [k for k in (queries.LEAD_COLUMN,) if k in figures]


def _key(by: str) -> Callable[[queries.Card], str]:
    return (lambda c: STEP_OF.get(c.element_id, "other")) if by == "step" else (lambda c: c.department)


def _of_lane(name: str, found: queries.Board, by: str, only: str) -> list[queries.Card]:
    wanted = {"over": queries.Chip.OVER, "soon": queries.Chip.SOON}.get(only)
    return [c for c in found.cards if _key(by)(c) == name and wanted in (None, c.chip)]


def _lane(name: str, found: queries.Board, by: str, only: str, lane: str, figures: list[int]) -> Lane:
    cards = _of_lane(name, found, by, only)
    shown = cards if lane == name else cards[:SHOWN]
    total = len(cards) if only else figures[0]
    return Lane(
        name,
        _lane_name(name, by),
        total,
        figures[1],
        [_card(c, found, by) for c in shown],
        total - len(shown),
        _address(by, only, name),
    )


def _lane_name(name: str, by: str) -> str:
    if by == "step":
        return {
            "to-dispatch": gettext("待派"),
            "to-accept": gettext("待接单"),
            "in-hand": gettext("处理中"),
            "to-verify": gettext("待核实"),
            "to-visit": gettext("待回访"),
        }.get(name, gettext("其他"))
    if name == queries.DESK_COLUMN:
        return words.department("specialist-team")
    return gettext("主管和经理") if name == queries.LEAD_COLUMN else words.department(name)


def _card(card: queries.Card, found: queries.Board, by: str) -> CardView:
    chip = clock(card.due_at, card.opened_at, mine=card.mine)
    who = card.assignee_name or (_group(card) if by == "step" else gettext("没人认领"))
    return CardView(
        card.task_id,
        chip,
        who,
        diagram_text(card.title),
        listed(
            " ".join(x for x in (diagram_text(card.unit_label), card.customer_name) if x),
            card.number,
            gettext("催过 %(n)d 次", n=card.urged_count) if card.urged_count else "",
            card.centre_name if found.several_centres else "",
        ),
        _step_name(card),
        _href(card),
        card.vip,
        card.may_assign,
        chip.kind in ("over", "soon"),
    )


def _group(card: queries.Card) -> str:
    return words.role(card.groups[0]) if card.groups else ""


def _step_name(card: queries.Card) -> str:
    return element_name(service_app().engine.definition(card.definition_hash), card.element_id)


def _href(card: queries.Card) -> str:
    if card.mine or not card.is_ticket:
        return url_for("tasks.show", task_id=card.task_id)
    return url_for("tickets.show", number=card.number)


def level(number: int) -> str:
    """Who answers a call of that level (clause 12)."""
    return {1: gettext("主管"), 2: gettext("经理"), 3: gettext("品质部")}.get(number, "")


def _call(call: queries.Call) -> SimpleNamespace:
    card = call.card
    up = {1: gettext("经理"), 2: gettext("品质部")}.get(call.level, "")
    until = gettext("%(at)s 不答就到%(who)s", at=when(card.due_at), who=up) if card.due_at and up else ""
    return SimpleNamespace(
        clock=clock(card.due_at, card.opened_at, mine=card.mine, waits_for=level(call.level)),
        until=until or (gettext("%(at)s 前", at=when(card.due_at)) if card.due_at else ""),
        what=diagram_text(call.reason or call.subject),
        about=listed(
            diagram_text(call.subject) if call.reason else "",
            diagram_text(card.title) if card.title != call.subject else "",
        ),
        where=listed(
            " ".join(x for x in (diagram_text(card.unit_label), card.customer_name) if x),
            card.number,
            gettext("%(who)s求助", who=people.name_of(call.asked_by)) if call.asked_by else "",
        ),
        href=url_for("tasks.show", task_id=card.task_id) if card.mine else "",
        ticket=url_for("tickets.show", number=card.number) if card.is_ticket else "",
        mine=card.mine,
    )


def _slip(slip: queries.Waiting) -> SimpleNamespace:
    return SimpleNamespace(
        clock=clock(slip.due_at, slip.sent_at, mine=False),
        what=slip.title,
        where=listed(slip.unit_label, slip.number, words.department(slip.department)),
        hint=gettext("部门有疑问") if slip.state == "asked" else "",
        href=url_for("tickets.show", number=slip.ticket_number),
    )


def _person(load: queries.Load) -> SimpleNamespace:
    return SimpleNamespace(
        username=load.username,
        name=load.name,
        roles=listed(*(words.role(r) for r in load.roles if f"{r}-head" not in load.roles), items=True),
        on_duty=load.on_duty,
        open=load.open,
        over=load.over,
        busy=load.open > BUSY,
        next=gettext("最早 %(at)s", at=when(load.next_due_at)) if load.next_due_at else "",
        blocks=[
            ("over" if i < load.over else "soon" if i >= BUSY else "full") if i < load.open else ""
            for i in range(BLOCKS)
        ],
    )


def _receivers(found: queries.Board) -> list[SimpleNamespace]:
    """Who may get work, by what they are: who has least first."""
    groups: dict[str, list] = {}
    for one in sorted(found.people, key=lambda p: (not p.on_duty, p.open, p.name)):
        if one.username != g.person.username:
            groups.setdefault(one.roles[0], []).append(
                SimpleNamespace(
                    username=one.username,
                    text=gettext("%(who)s，%(n)d 件", who=one.name, n=one.open)
                    + (gettext("，在岗") if one.on_duty else ""),
                )
            )
    return [SimpleNamespace(name=words.role(role), people=members) for role, members in groups.items()]
