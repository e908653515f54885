"""Pure decisions about findings: numbers, titles, who checks a floor's finding again."""

from __future__ import annotations

from service.findings.models import Severity

TITLE = 60


def number(year: int, count: int) -> str:
    """WT2026-0012 (问题)."""
    return f"WT{year}-{count:04d}"


def title_of(words: str) -> str:
    """The first line of what was written, short enough for a row."""
    line = words.strip().splitlines()[0].strip() if words.strip() else ""
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


def urgency(severity: Severity) -> str:
    """A danger is urgent: it is told at night, too."""
    return "urgent" if severity is Severity.DANGER else "normal"
