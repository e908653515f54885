"""What the calendar tests share: the default centre with the official years 2024 to 2026, and short ways to name instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from service.calendars.proposals import merge, propose_year
from service.calendars.queries import default_calendar
from service.calendars.rules import Calendar, Week

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    """The instant of a wall time: `at("2026-02-13 17:45")`."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def official(*years: int) -> Calendar:
    """The default hours with those years as published."""
    calendar = default_calendar()
    for year in years or (2024, 2025, 2026):
        calendar = merge(replace(calendar, published_years=calendar.published_years | {year}), propose_year(year))
    return calendar


def plain(*windows: str, **days) -> Calendar:
    """Monday to Friday with these windows (08:30-18:00 if none), in Shanghai."""
    return Calendar("Asia/Shanghai", Week.working_days(*windows), **days)
