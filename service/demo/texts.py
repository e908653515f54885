"""The texts of the demo centre: what customers ask, what was done, what people say. Read from texts.yaml and week.yaml once.

A row becomes a Request; which words belong to it stands in the file beside it, so that cause, material and result fit together.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PLACES = {"o": "office", "m": "mall", "h": "homes", "p": "public"}
CATEGORIES = ("repair", "complaint", "delivery", "renovation", "fees", "enquiry", "praise", "other")


@dataclass(frozen=True, slots=True)
class Request:
    """One request and how it ends. `{f}` in a text stands for the floor, `{b}` for the building."""

    category: str
    text: str
    places: frozenset[str]
    urgent: bool
    department: str
    instruction: str
    cause: str
    result: str
    minutes: int
    material: str = ""
    yuan: int = 0
    picture: str = ""

    def at(self, floor: int | None, building: str) -> dict[str, str]:
        """The texts with their place filled in."""
        place = {"f": floor or 1, "b": building}
        return {
            name: getattr(self, name).format(**place) for name in ("text", "instruction", "cause", "result", "material")
        }


@cache
def everything() -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name("texts.yaml").read_text(encoding="utf-8"))


@cache
def week() -> dict[str, Any]:
    """What is written in a week of patrols, shifts, posts and reviews."""
    return yaml.safe_load(Path(__file__).with_name("week.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a patrol sees, and how it is put right."""

    group: str
    severity: str
    department: str
    place: str
    words: str
    result: str
    picture: str


@cache
def findings() -> tuple[Seen, ...]:
    return tuple(Seen(*(part.strip() for part in row.split("|"))) for row in week()["findings"])


def seen(text: str) -> Seen:
    """The finding whose words, or whose place, begin so."""
    return next(row for row in findings() if row.words.startswith(text) or row.place.startswith(text))


@cache
def requests(category: str) -> tuple[Request, ...]:
    """Every request of a category, in the file's order."""
    return tuple(_request(category, [part.strip() for part in row.split("|")]) for row in everything()[category])


def starting_with(text: str) -> Request:
    """The request that begins so, for the scenes that are told by name."""
    return next(r for category in CATEGORIES for r in requests(category) if r.text.startswith(text))


def some(chance: random.Random, *path: Any) -> Any:
    """One of the texts under `path`."""
    found = everything()
    for name in path:
        found = found[name]
    return chance.choice(found)


def _request(category: str, parts: list[str]) -> Request:
    text, where = parts[0], parts[1]
    common = {
        "category": category,
        "text": text,
        "urgent": where.startswith("!"),
        "places": frozenset(PLACES[letter] for letter in where.strip("!")),
    }
    if category == "repair":
        instruction, cause, material, result, minutes, yuan, picture = parts[2:]
        return Request(
            department="engineering",
            instruction=instruction,
            cause=cause,
            material="" if material == "无" else material,
            result=result,
            minutes=int(minutes),
            yuan=int(yuan),
            picture=picture,
            **common,
        )
    department, instruction, cause, result, minutes, *picture = parts[2:]
    return Request(
        department=department,
        instruction=instruction,
        cause=cause,
        result=result,
        minutes=int(minutes),
        picture="".join(picture),
        **common,
    )
