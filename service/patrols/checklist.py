"""The six checklist groups of clause 23.2 as data: what to look at, who usually puts it right, what may have to be photographed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).parent / "data" / "checklist.yaml"


@dataclass(frozen=True, slots=True)
class Text:
    zh: str
    en: str

    def in_(self, language: str) -> str:
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Group:
    """One group: `lines` are looked at everywhere, `office` in offices only."""

    key: str
    name: Text
    department: str
    lines: tuple[Text, ...]
    office: tuple[Text, ...]


@cache
def groups() -> tuple[Group, ...]:
    """The groups in the order in which they are asked."""
    return tuple(
        Group(g["key"], _text(g), g["department"], _texts(g["lines"]), _texts(g.get("office", ()))) for g in _raw()
    )


@cache
def photo_items() -> dict[str, Text]:
    """What a patrol may be asked to photograph, by key."""
    return {item["key"]: _text(item) for g in _raw() for item in g["photo"]}


def group(key: str) -> Group:
    return next(g for g in groups() if g.key == key)


@cache
def _raw() -> list[dict]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]


def _text(entry: dict) -> Text:
    return Text(entry["zh"], entry["en"])


def _texts(entries) -> tuple[Text, ...]:
    return tuple(_text(entry) for entry in entries)
