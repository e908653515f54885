"""What steps do to rounds, filings and workplace checks. Called inside a step, on its connection."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from service.errors import NotThere, Refused
from service.findings import steps as findings
from service.findings.models import Severity, Source
from service.rounds import rules
from service.rounds.models import CheckState, FilingState, Round, RoundFiling, RoundItem, RoundState, WorkplaceCheck
from service.subjects.steps import name as name_subject

_round, _item, _filing, _check = Round.__table__, RoundItem.__table__, RoundFiling.__table__, WorkplaceCheck.__table__


# --- ticks ------------------------------------------------------------------------------------------------------------


def opened(connection: Any, number: str, centre_id: int, instance_id: str | None, given: dict[str, Any]) -> None:
    """Write a tick down that is due now."""
    connection.execute(
        sa.insert(_round).values(
            number=number,
            centre_id=centre_id,
            item_id=int(given["item_id"]),
            kind=given["kind"],
            title=given["title"][:100],
            post=given["post"] or "",
            starts_at=given["starts_at"],
            ends_at=given["ends_at"],
            state=RoundState.WAITING,
            note="",
            instance_id=instance_id,
        )
    )
    name_subject(connection, number, centre_id, "round", given["title"], given["post"] or "")


def round_of(connection: Any, number: str) -> SimpleNamespace:
    return _one(connection, _round, number, "Round")


def ticked(connection: Any, number: str, note: str, by: str, now: datetime) -> None:
    """Somebody is there. Raises Refused for whoever has another post of the same line at the same time (clause 18)."""
    row = round_of(connection, number)
    same = sa.and_(_round.c.item_id == row.item_id, _round.c.starts_at == row.starts_at, _round.c.id != row.id)
    other = connection.execute(sa.select(_round.c.post).where(same, _round.c.ticked_by == by)).first()
    if other is not None:
        raise Refused(f"You are at the post {other.post} already; somebody else has to be here (clause 18).", "note")
    values = {"state": RoundState.DONE, "ticked_by": by, "ticked_at": now, "note": note[:500]}
    connection.execute(sa.update(_round).where(_round.c.id == row.id).values(**values))


def missed(connection: Any, number: str) -> SimpleNamespace:
    """Nobody ticked it within its grace time."""
    row = round_of(connection, number)
    connection.execute(sa.update(_round).where(_round.c.id == row.id).values(state=RoundState.MISSED))
    return row


# --- filings ----------------------------------------------------------------------------------------------------------


def filing_of(connection: Any, number: str) -> SimpleNamespace:
    return _one(connection, _filing, number, "Filing")


def filed(connection: Any, number: str, instance_id: str) -> SimpleNamespace:
    """The notice has reached the quality department."""
    row = filing_of(connection, number)
    connection.execute(sa.update(_filing).where(_filing.c.id == row.id).values(instance_id=instance_id))
    return row


def acknowledged(connection: Any, number: str, note: str, by: str, now: datetime) -> SimpleNamespace:
    """The quality department knows: from now on the window is the new one."""
    row = filing_of(connection, number)
    values = {"state": FilingState.ACKNOWLEDGED, "acknowledged_by": by, "acknowledged_at": now, "note": note[:500]}
    connection.execute(sa.update(_filing).where(_filing.c.id == row.id).values(**values))
    window = {"from_time": row.after_from, "until_time": row.after_until, "version": _item.c.version + 1}
    connection.execute(
        sa.update(_item).where(_item.c.id == row.item_id).values(**window, changed_by=row.filed_by, changed_at=now)
    )
    return row


# --- workplaces -------------------------------------------------------------------------------------------------------


def check_opened(connection: Any, number: str, centre_id: int, instance_id: str | None, given: dict[str, Any]) -> None:
    connection.execute(
        sa.insert(_check).values(
            number=number,
            centre_id=centre_id,
            area_id=int(given["area_id"]),
            area_name=given["area_name"],
            week_on=date.fromisoformat(given["week_on"]),
            due_at=given["due_at"],
            state=CheckState.OPEN,
            answers={},
            findings=[],
            instance_id=instance_id,
        )
    )
    name_subject(connection, number, centre_id, "workplace", f"现场环境检查 {given['area_name']}")


def check_of(connection: Any, number: str) -> SimpleNamespace:
    return _one(connection, _check, number, "Workplace check")


def checked(
    connection: Any, number: str, answers: dict[str, str], seen: dict[str, Any], by: str, now: datetime
) -> list[str]:
    """The area is checked; each group answered "finding" becomes a finding with its words and photos. Gives their numbers.

    `seen`: words and photos, by group.
    """
    row = check_of(connection, number)
    numbers = [
        findings.report(connection, _seen(row, group, name, seen.get(group) or {}), by, now)
        for group, name in rules.GROUPS.values()
        if answers.get(group) == "finding"
    ]
    values = {"state": CheckState.DONE, "answers": answers, "findings": numbers, "checked_by": by, "checked_at": now}
    connection.execute(sa.update(_check).where(_check.c.id == row.id).values(**values))
    return numbers


def _seen(row: SimpleNamespace, group: str, name: str, given: dict[str, Any]) -> findings.Seen:
    photos = tuple(int(p) for p in given.get("photos") or () if str(p).isdigit())
    words = (given.get("words") or "").strip() or name
    return findings.Seen(
        row.centre_id, group, Severity.MINOR, rules.DEPARTMENT, words, row.area_name, source=Source.OTHER, photos=photos
    )


def check_missed(connection: Any, number: str) -> SimpleNamespace:
    row = check_of(connection, number)
    connection.execute(sa.update(_check).where(_check.c.id == row.id).values(state=CheckState.MISSED))
    return row


def _one(connection: Any, table: sa.Table, number: str, what: str) -> SimpleNamespace:
    row = connection.execute(sa.select(table).where(table.c.number == number)).mappings().first()
    if row is None:
        raise NotThere(what, number)
    return SimpleNamespace(**row)
