"""Ways by which a notice leaves the application: one package per kind, found by itself.

A package `channels/<kind>/` has `channel.py` with `create(settings) -> Channel | None`: None where it is not set up. A channel words what
it sends (its `templates/`), sends it within its own time limit, and says by the error it raises who is to blame; when to try
again is `delivery`'s matter. Surprise: a channel is asked outside any transaction and may be asked twice for the same parcel.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from service.errors import SettingsWrong
from service.settings import Settings

log = logging.getLogger("zhiban.messages")


class SendingFailed(Exception):
    """Something was not sent. One of the three below says what is to be done."""


class AddressRefused(SendingFailed):
    """This address will never take it: nothing more is sent there until its owner changes the address."""


class Rejected(SendingFailed):
    """This one thing will never be taken, the next may be."""


class TryLater(SendingFailed):
    """This one was not taken now; others may be. It is tried again."""


class ChannelDown(SendingFailed):
    """Nothing can be sent by this channel now: unreachable, hanging, or our own login refused. The channel rests."""


@dataclass(frozen=True, slots=True)
class Line:
    """One notice to be worded: what it is (`kind`, `data`), the ticket it is about, its address in the application."""

    kind: str
    data: dict[str, Any]
    ticket_number: str | None
    title: str | None
    at: datetime  # in the zone of the reader's centre
    urgent: bool
    link: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent at once to one person: one notice, or a digest of several. The same `key` is always the same parcel."""

    key: str
    address: str
    name: str
    locale: str
    lines: tuple[Line, ...]
    digest: bool
    at: datetime


class Channel(Protocol):
    """What delivery asks of a channel."""

    kind: str

    def clean(self, address: str) -> str:
        """The address as it is kept. Raises ValueError saying what is wrong with it."""

    def send(self, parcel: Parcel) -> None:
        """Send it within the channel's time limit. Raises a SendingFailed."""


@lru_cache(maxsize=16)
def channels_of(settings: Settings) -> dict[str, Channel]:
    """The channels that are set up in this installation, by kind. One that is set up wrongly is left out; `faults` says why."""
    found, faults = _look(settings)
    for fault in faults:
        log.error("%s Until then nothing is sent by this channel.", fault)
    return found


def faults(settings: Settings) -> list[str]:
    """What is wrong with the settings of channels, one sentence each, for the operator."""
    return _look(settings)[1]


def _look(settings: Settings) -> tuple[dict[str, Channel], list[str]]:
    found, faults = {}, []
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        if not module.ispkg:
            continue
        try:
            channel = importlib.import_module(f"{module.name}.channel").create(settings)
        except SettingsWrong as error:
            faults.append(str(error))
            continue
        if channel is not None:
            found[channel.kind] = channel
    return found, faults
