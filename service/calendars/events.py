"""What happened to a calendar. Whoever keeps limits compares both versions with `rules.preview_change` and moves them."""

from __future__ import annotations

from dataclasses import dataclass

from service.calendars.rules import Calendar


@dataclass(frozen=True)
class CalendarChanged:
    """A centre's calendar has a new version. `old` and `new` are the same when nothing was to be changed."""

    centre_id: int
    old: Calendar
    new: Calendar
    reason: str

    @property
    def changed(self) -> bool:
        return self.old.version != self.new.version
