"""The page of one task: the form, the ticket in a few words, why it is here, what follows, its limit with the sum."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from engine.errors import FormInvalid, StepFailed, VersionClash
from service import access
from service.board import incidents
from service.drafts.queries import was_theirs
from service.organisation.queries import workers_of
from service.subjects.models import Subject
from service.tickets import queries
from webui import clauses, forms, people, words
from webui.diagram_texts import diagram_text
from webui.errors import fault_of
from webui.filters import Clock, clock, local, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.people import name_of
from webui.refusals import said
from webui.views import diagram, drafts, presence, things
from webui.views.limits import SumView, limits_of
from webui.views.pages import photo_view, slip_view, ticket_view
from webui.views.story import element_name
from webui.views.ticket import definitions_of

# Which limit of the ticket a task's own deadline is, so that its sum can be shown.
LIMIT_OF = {"accept_slip": "response", "arrive": "arrival", "handle": "resolution", "return_visit": "return-visit"}


@dataclass(slots=True)
class Page:
    id: str
    name: str
    version: int
    button: str
    ticket: Any  # None where the task is about no ticket: then `about` says what it is about
    clock: Clock
    until: str
    back: str
    why: str
    clause: str
    clause_text: str
    next_words: str
    fields: list = field(default_factory=list)
    sum: SumView | None = None
    limits: list = field(default_factory=list)
    slip: Any = None
    steps: list = field(default_factory=list)
    question: dict | None = None
    heard: list = field(default_factory=list)  # answers to what was asked before: the owner's, the superior's
    diagram: dict | None = None
    photos: list = field(default_factory=list)
    may_do: bool = True
    may_help: bool = True
    not_mine: str = ""
    fresh: bool = False
    fault: Any = None
    clash: str = ""
    conditional: bool = False
    people: list = field(default_factory=list)  # who else is at the ticket
    presence: str = ""
    draft: Any = None
    unsaved: bool = False  # what stands in the form is not in its draft yet
    stopped: dict | None = None  # a step of the reader's that the engine could not finish, and what became of it
    both: Any = None  # what was typed beside what is stored, when somebody changed the task in between
    says: str = ""  # the field whose picked option the main button repeats
    about: SimpleNamespace | None = None  # number, title, place, href


def definition_of(card):
    return service_app().engine.definition(card.task.definition_hash)


def name_of_task(card) -> str:
    return element_name(definition_of(card), card.task.element_id)


def form_of(card):
    """The task's form in the reader's language, None for a task without one."""
    return forms.localized(card.form, definition_of(card))


def hidden(card, form, values) -> set[str]:
    return forms.hidden_keys(form, values, service_app().engine.feel, definition_of(card).names)


def page(card, fresh: bool = False) -> Page:
    form = form_of(card)
    found = _page(card)
    found.fresh = fresh
    if form:
        found.draft = drafts.of_task(card)
        values = _drafted(card, form, found) or form.initial(_suggested(card))
        found.fields = _offering(card, forms.views(form, values, hidden=hidden(card, form, values)))
        found.conditional = any(f.hides for f in form.fields)
        found.button = _said(form, values, found)
        if found.draft.values is not None:
            found.stopped = _stopped(card)
    return found


def _stopped(card) -> dict | None:
    """Why what the reader sent did not go through, and whether they may send it again: the draft stands below."""
    stop = incidents.stopped_at(service_app(), g.session, card.task)
    if stop is None:
        return None
    head = gettext("%(at)s 提交时流程停住了，什么都没有改动", at=when(stop.opened_at))
    if stop.resolved_at is None:
        return {"head": head, "text": gettext("你填的都在下面。管理员已收到故障，改好原因后再提交一次")}
    mended = gettext("%(at)s 故障处理好了，你填的都在下面，再提交一次", at=when(stop.resolved_at))
    return {"head": head, "text": listed(mended, stop.note)}


def _offering(card, fields: list) -> list:
    """The fields that ask for a person (`suggest: department-people`), with the names of those who may be meant."""
    for view in fields:
        if getattr(view.spec, "properties", {}).get("suggest") == "department-people":
            groups = [group for group in card.task.groups.split("|") if group]
            now = service_app().clock.now()
            people = [found for group in groups for found in workers_of(g.session, group, card.task.centre_id, now)]
            people.sort(key=lambda found: not found[1])
            names: dict[str, str] = {}
            for somebody, here in people:
                names.setdefault(somebody.name, gettext("在岗") if here else "")
            view.suggestions = list(names.items())
        _offering(card, view.children)
    return fields


def _drafted(card, form, found: Page) -> dict[str, Any] | None:
    """What the draft holds, with the two texts where somebody else changed the task since."""
    draft = found.draft
    if draft.values is None:
        return None
    values = forms.sent(form, draft.values)
    draft.other = drafts.other_window(form, draft)
    if draft.seen is not None and draft.seen != card.task.version:
        found.both = drafts.clash(card, form, values)
    return values


def _said(form, values: dict[str, Any], found: Page) -> str:
    """The main button: what was picked in the field that decides, else the task's own verb."""
    if not found.says or found.says not in form.keys:
        return found.button
    return form.field(found.says).option_label(values[found.says]) if values.get(found.says) else found.button


def again(card, values: dict[str, Any], error) -> Page:
    """The page with what was typed, and what is wrong with it; after a clash with what stands there now."""
    form = form_of(card)
    if isinstance(error, VersionClash):
        card = queries.task_card(g.person, card.task.id)
    found = _page(card)
    found.fault = fault_of(error, form)
    faults = (
        error.faults
        if isinstance(error, FormInvalid)
        else {error.field: said(error)}
        if getattr(error, "field", None)
        else {}
    )
    if isinstance(error, StepFailed):
        drafts.keep(card)
        found.fault = replace(found.fault, next_step=gettext("你填的都在下面。管理员已收到故障，改好原因后再提交一次"))
    if isinstance(error, VersionClash):
        found.clash = gettext("你填的还在下面。核对后再按一次就提交")
        found.both = drafts.clash(card, form, values)
    if form:
        found.draft, found.unsaved = drafts.of_task(card), True
        found.draft.values = None
        found.fields = _offering(card, forms.views(form, values, faults, hidden(card, form, values)))
        found.conditional = any(f.hides for f in form.fields)
        found.button = _said(form, values, found)
    return found


@dataclass(slots=True)
class Kept:
    """What somebody typed for a task that is over, beside what was stored."""

    name: str
    number: str
    title: str
    href: str
    both: Any
    is_ticket: bool = True
    drop_href: str = ""
    fault: Any = None
    draft: Any = None


def kept(card) -> Kept | None:
    """The page of a task that is over and of which the reader has kept a draft; None without one."""
    form, draft = form_of(card), drafts.of_task(card)
    if form is None or draft.values is None:
        return None
    return _kept(card, drafts.clash(card, form, forms.sent(form, draft.values)), draft.drop_href)


def too_late(card, values: dict[str, Any], error) -> Kept:
    """Somebody was faster: both texts, and mine stays as a draft unless it says nothing else."""
    card = queries.task_card(g.person, card.task.id)
    form, draft = form_of(card), drafts.of_task(card)
    both = drafts.clash(card, form, values)
    differs = was_theirs(g.person, card.task) and any(pair.mine and not pair.same for pair in both.pairs)
    if differs:
        drafts.keep(card)
    page = _kept(card, both, draft.drop_href if differs or draft.values is not None else "")
    page.fault = fault_of(error)
    return page


def _kept(card, both, drop_href: str) -> Kept:
    task, ticket = card.task, card.ticket
    title = ticket.title if ticket else _about(task).title
    href, name = things.page_of(task.business_key), name_of_task(card)
    return Kept(name, task.business_key, title, href, both, ticket is not None, drop_href)


def _page(card) -> Page:
    return _of_ticket(card) if card.ticket is not None else _of_thing(card)


def _of_thing(card) -> Page:
    """The page of a task about a patrol, a review, a round: a call for help that is answered here (clause 12)."""
    about = _about(card.task)
    return _bare(card, about=about, question=about.asked, may_help=False)


def _about(task) -> SimpleNamespace:
    """What a task is about where that is no ticket: number, title, place, address of its page, and who asked what."""
    subject = g.session.get(Subject, task.business_key)
    call = queries.escalation_of(g.session, task.instance_id)
    title = diagram_text(subject.title if subject else call.subject if call else "")
    asked = call and {"head": gettext("%(who)s 求助", who=name_of(call.asked_by)), "text": diagram_text(call.reason or call.subject)}
    place = subject.place if subject else ""
    href = things.href_of(subject.kind, subject.number) if subject else ""
    return SimpleNamespace(number=task.business_key, title=title, place=place, href=href, asked=asked)


def _bare(card, **more) -> Page:
    """What the page of every task says."""
    task, definition, now = card.task, definition_of(card), service_app().clock.now()
    name = element_name(definition, task.element_id)
    who = card.assignee_name
    return Page(
        task.id,
        name,
        task.version,
        words.button(task.element_id, name),
        more.pop("ticket", None),
        clock(task.due_at, task.opened_at, mine=card.may_do, at=now),
        gettext("%(at)s 前", at=when(task.due_at)) if task.due_at else "",
        _back(),
        diagram.why(task),
        task.clause or "",
        clauses.title(task.clause),
        diagram.next_words(definition, task.element_id),
        may_do=card.may_do,
        not_mine=gettext("这件事现在归%(who)s", who=who) if task.assignee else gettext("这件事不归你的角色办"),
        says=words.SAYS.get(task.element_id, ""),
        **more,
    )


def _of_ticket(card) -> Page:
    task, now = card.task, service_app().clock.now()
    whole = queries.ticket_card(g.person, task.business_key)
    ticket = whole.ticket
    people.names().update(whole.names)
    slip = whole.slips[-1] if whole.slips else None
    slips = slip_view(slip, ticket, now) if slip else None
    limits = limits_of(whole, now)
    limit = next((x for x in limits if x.kind == LIMIT_OF.get(task.element_id) and x.clock.due_at == task.due_at), None)
    return _bare(
        card,
        ticket=ticket_view(ticket),
        sum=limit.sum if limit else None,
        limits=limits,
        slip=slips,
        steps=slips.steps if slips else [],
        question=_question(task, slip, whole),
        heard=_heard(task, slip, whole),
        photos=[photo_view(p) for p in whole.photos],
        may_help="ask help" in whole.may,
        diagram=diagram.of_ticket(
            ticket, [t for t in whole.tasks if t.id == task.id] or whole.tasks, definitions_of(whole)
        ),
        people=presence.people(ticket.id),
        presence=presence.address(whole),
    )


def _back() -> str:
    return url_for("queue.index") if access.reach(g.person).departments else url_for("desk.first")


def _question(task, slip, whole) -> dict | None:
    """What the reader has to know before answering: the department's question, its answer, why work came back, what was handled."""
    if task.process_key == "escalation" and whole.escalations:
        call = whole.escalations[-1]
        return {
            "head": gettext("%(who)s 求助：%(subject)s", who=name_of(call.asked_by), subject=diagram_text(call.subject)),
            "text": diagram_text(call.reason),
        }
    if slip is None:
        return None
    if task.element_id == "answer_question" and slip.reason:
        return {"head": gettext("%(who)s问", who=words.department(slip.department)), "text": slip.reason}
    if task.element_id == "accept_slip" and slip.reason:
        answer = service_app().engine.variables(task.instance_id).get("answer_text")
        return {"head": gettext("问了：%(question)s", question=slip.reason), "text": answer} if answer else None
    if task.element_id in ("handle", "arrive") and str(slip.state) == "back" and slip.reason:
        return {"head": gettext("没通过核实"), "text": slip.reason}
    if task.element_id in ("verify", "return_visit") and slip.result:
        return {
            "head": gettext("%(who)s报办完", who=name_of(slip.worker) or words.department(slip.department)),
            "text": slip.result,
        }
    return None


# Steps of the desk and of a department that go on with what somebody answered.
HEARING = frozenset({"dispatch", "answer_question", "accept_slip", "arrive", "handle"})


def _heard(task, slip, whole) -> list[dict]:
    """What was answered since the slip went out, the newest first: the owner's answers (clause 8), guidance (clause 12)."""
    if task.process_key == "escalation" or task.element_id not in HEARING:
        return []
    found = [*_answers(whole), *_guidance(whole)]
    since = slip.sent_at if slip else whole.ticket.registered_at
    return [{"head": head, "text": text} for at, head, text in sorted(found, reverse=True) if at >= since]


def _answers(whole) -> list[tuple]:
    return [
        (e.at, gettext("%(who)s答", who=e.by_name), text)
        for e in whole.timeline
        if (e.kind, e.element_id) == ("task-completed", "answer_question")
        and not e.data.get("undone")
        and (text := ((e.data.get("values") or {}).get("after") or {}).get("answer_text"))
    ]


def _guidance(whole) -> list[tuple]:
    return [
        (call.answered_at, gettext("%(who)s指导", who=name_of(call.answered_by)), call.guidance)
        for call in whole.escalations
        if call.answered_at and call.guidance
    ]


def _suggested(card) -> dict[str, Any]:
    """What the form shows at first: the process's own values, and for a few fields what is nearly always meant."""
    values = dict(card.values)
    element = card.task.element_id
    if element == "dispatch":
        values["instruction"] = values.get("instruction") or card.ticket.request
    if element == "arrive":
        values["arrived_at"] = local(service_app().clock.now()).replace(second=0, microsecond=0)
    if element in FRESH:
        values = {k: v for k, v in values.items() if k not in FRESH[element]}
    if element == "accept_slip":
        values["answer"] = "accept"
    return values


# Fields that are asked anew each time, though the process still holds the last answer.
FRESH = {
    "accept_slip": {"answer", "question", "reason", "worker"},
    "verify": {"passed", "fail_reason"},
    "answer_question": {"answer_text"},
    "handle": {"result", "photo_after"},
    "return_visit": {"reached", "satisfaction", "words", "how"},
    "arrive": {"photo_before"},
    "sign_off": {"note"},
    "resume": {"note"},
}


def next_address(person, card, result) -> str:
    """Where to go after a task: to the ticket's next task if it is one's own at once, else back to the list."""
    for task_id in result.opened:
        task = service_app().engine.task(task_id)
        if (
            task.business_key == card.task.business_key
            and access.may(person, "do", task)
            and _goes_on(card.task.element_id, task.element_id)
        ):
            return url_for("tasks.show", task_id=task_id, fresh=1)
    return _back()


def _goes_on(done: str, opened: str) -> bool:
    """Only where one sits at it anyway: who has accepted goes to the site, who has arrived handles."""
    return (done, opened) in {
        ("register", "dispatch"),
        ("register", "handle_on_the_spot"),
        ("accept_slip", "arrive"),
        ("arrive", "handle"),
        ("handle_on_the_spot", "return_visit"),
    }
