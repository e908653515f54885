"""Where a person wants notices beyond the application, and which kinds: read and changed by that person only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import object_session

from service.errors import NotThere, Refused
from service.notifications import rules
from service.notifications.channels import channels_of
from service.notifications.models import NoticeAddress
from service.organisation.models import Person


@dataclass(frozen=True, slots=True)
class Choice:
    """What holds for one channel: `ways` says for every kind at-once, digest or never. An empty address: not used yet."""

    channel: str
    address: str
    wanted: bool
    ways: dict[str, str]
    refused_at: datetime | None  # the receiver does not know the address; nothing is sent until it is given anew
    error: str | None


def choices(person: Person) -> list[Choice]:
    """The person's choice for each channel of this installation; empty where there is none."""
    session = object_session(person)
    return [
        _choice(kind, session.get(NoticeAddress, (person.id, kind)))
        for kind in channels_of(session.info["app"].settings)
    ]


def _choice(kind: str, row: NoticeAddress | None) -> Choice:
    if row is None:
        return Choice(kind, "", False, dict(rules.USUAL), None, None)
    return Choice(kind, row.address, row.wanted, rules.USUAL | row.kinds, row.refused_at, row.error)


def choose(
    app, person: Person, channel: str, address: str, *, wanted: bool = True, ways: Mapping[str, str] | None = None
) -> None:
    """Keep where the person wants notices and how each kind goes. An empty address takes the channel away.

    Giving an address anew, also the same one, lets it be tried again. Raises NotThere for an unknown channel, Refused (`field`).
    """
    channels = channels_of(app.settings)
    if channel not in channels:
        raise NotThere("Channel", channel)
    kinds = _differing(ways or {})
    try:
        kept = channels[channel].clean(address) if address.strip() else ""
    except ValueError as error:
        raise Refused(str(error), field="address") from error
    with app.writing() as session:
        row = session.get(NoticeAddress, (person.id, channel))
        if not kept:
            if row is not None:
                session.delete(row)
            return
        row = row or NoticeAddress(person_id=person.id, channel=channel)
        row.address, row.wanted, row.kinds, row.changed_at = kept, wanted, kinds, app.clock.now()
        row.refused_at, row.error = None, None
        session.add(row)


def _differing(ways: Mapping[str, str]) -> dict[str, str]:
    for kind, way in ways.items():
        if kind not in rules.USUAL or way not in rules.WAYS:
            raise Refused(f"{kind}: {way} is no choice; take {', '.join(rules.WAYS)}.", field=f"way-{kind}")
    return {kind: way for kind, way in ways.items() if way != rules.USUAL[kind]}
