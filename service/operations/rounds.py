"""Operations of duty rounds, filings and workplace checks (clauses 17, 18, 20, 21, 24.1 to 24.5)."""

from __future__ import annotations

from datetime import datetime

from service.notifications.notify import tell
from service.operations import registry
from service.rounds import rules, steps

GROUPS = tuple(group for group, _ in rules.GROUPS.values())
WORDS = {f"{group}_words": str for group in GROUPS}
PHOTOS = {f"{group}_photos": list for group in GROUPS}


@registry.operation(
    "round.open",
    inputs={"item_id": int, "kind": str, "title": str, "post": str, "starts_at": datetime, "ends_at": datetime},
    optional=("post",),
)
def open_round(step, *, post=None, **given):
    """A tick of the timetable is due."""
    steps.opened(step.connection, step.business_key, step.scope.centre, step.root_id, given | {"post": post})


@registry.operation("round.tick", inputs={"note": str}, optional=("note",))
def tick(step, *, note=None):
    """Somebody is there; the same person cannot be at two posts of one line at the same time."""
    steps.ticked(step.connection, step.business_key, note or "", step.actor.person, step.now)


@registry.operation("round.missed")
def missed(step):
    """Nobody was there in time: the supervisor is told, and it is a matter of the daily review."""
    row = steps.missed(step.connection, step.business_key)
    place = f"{row.title} {row.post}".strip()
    tell(step, "reminder", row, groups=["supervisor"], about=f"到时没人：{place}", whom="supervisor")


@registry.operation("filing.open")
def open_filing(step):
    """The notice of a moved etiquette window is with the quality department."""
    row = steps.filed(step.connection, step.business_key, step.root_id)
    tell(step, "reminder", row, groups=["quality"], about="迎送时间要改，报备", whom="quality")


@registry.operation("filing.acknowledge", inputs={"note": str}, optional=("note",))
def acknowledge(step, *, note=None):
    """The quality department knows of it: the window is the new one from now on, and whoever filed it is told."""
    row = steps.acknowledged(step.connection, step.business_key, note or "", step.actor.person, step.now)
    tell(step, "answered", row, [row.filed_by], answer="advise")


@registry.operation("workplace.open", inputs={"area_id": int, "area_name": str, "week_on": str, "due_at": datetime})
def open_check(step, **given):
    """The week's check of an area begins."""
    steps.check_opened(step.connection, step.business_key, step.scope.centre, step.root_id, given)


@registry.operation(
    "workplace.checked",
    inputs=dict.fromkeys(GROUPS, str) | WORDS | PHOTOS,
    outputs=("findings",),
    optional=(*WORDS, *PHOTOS),
)
def checked(step, **given):
    """The area is checked; what is not in order goes to whoever puts it right. Gives the findings' numbers."""
    answers = {group: given[group] for group in GROUPS}
    seen = {g: {"words": given.get(f"{g}_words"), "photos": given.get(f"{g}_photos")} for g in GROUPS}
    return {"findings": steps.checked(step.connection, step.business_key, answers, seen, step.actor.person, step.now)}


@registry.operation("workplace.missed")
def check_missed(step):
    """The week is over and nobody checked the area: the manager is told."""
    row = steps.check_missed(step.connection, step.business_key)
    tell(step, "reminder", row, groups=["manager"], about=f"这周没检查：{row.area_name}", whom="manager")
