"""Entries of a register that are no request and no handover, in words: missed calls, checks, leaves, workplaces, visitors.

Their cells hold keys and what people wrote (service.registers.queries); the words are the screen's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webui import people, words
from webui.i18n import colon, gettext, listed


def kind(value: str) -> str:
    """What a line of the shift record is about."""
    return {
        "handover": gettext("交接班"),
        "round": gettext("岗位值守"),
        "leave": gettext("离岗"),
        "workplace": gettext("现场环境检查"),
    }.get(value, value)


def category(value: str) -> str:
    own = {"missed-call": gettext("漏接来电"), "end-of-day-check": gettext("班后自查")}
    return own.get(value) or words.category(value)


def channel(value: str) -> str:
    return gettext("班后自查") if value == "end-of-day-check" else words.channel(value)


def call_state(value: str) -> str:
    """A missed call's state; a request's own for anything else."""
    return call_states().get(value) or words.ticket_state(value)


def call_states() -> dict[str, str]:
    return {
        "waiting": gettext("等回电"),
        "asked": gettext("等登记"),
        "answered": gettext("已回电"),
        "ticket": gettext("已转登记"),
        "not-reached": gettext("两次没打通"),
        "done": gettext("已办完"),
    }


def id_kind(value: str) -> str:
    return id_kinds().get(value, value)


def id_kinds() -> dict[str, str]:
    return {
        "id-card": gettext("身份证"),
        "work-card": gettext("工作证"),
        "business-card": gettext("名片"),
        "other": gettext("别的证件"),
        "none": gettext("没带"),
    }


def request(value: str | Mapping[str, Any]) -> str:
    """What the customer asked for; of a missed call how often it rang, of a check what was looked at."""
    if isinstance(value, str):
        return value
    if "rings" in value:
        return gettext("响了 %(n)d 声没接", n=value["rings"])
    if not value["items"]:
        return gettext("没有要查的")
    return gettext("查了 %(n)d 项", n=len(value["items"])) + colon() + listed(*(k for k, _ in value["items"]), items=True)


def result(value: str | Mapping[str, Any]) -> str:
    """What came of it."""
    if isinstance(value, str):
        return value
    if "outcome" in value:
        return _called_back(value)
    answers = [listed(f"{key} {answer(said)}", text) for key, said, text in value["answers"]]
    return gettext("；").join(answers) if answers else gettext("没有未完的事")


def _called_back(value: Mapping[str, Any]) -> str:
    who = gettext("%(who)s回电", who=people.name_of(value["by"])) if value["by"] else ""
    told = gettext("说明：%(text)s", text=value["reason"]) if value["reason"] else ""
    ticket = gettext("转 %(number)s", number=value["ticket"]) if value["ticket"] else ""
    unreached = call_state(value["outcome"]) if value["outcome"] == "not-reached" else ""
    return listed(who, unreached, told, value["words"], ticket)


def answer(value: str) -> str:
    """How an item of a check before going home was answered (clause 24.8)."""
    return {
        "done": gettext("办好了"),
        "told": gettext("已跟部门说"),
        "handover": gettext("交给下一班"),
    }.get(value, "")


def matters(value: str | Mapping[str, Any]) -> str:
    """What stands under other matters; of a workplace check how its groups were answered, and the findings."""
    if isinstance(value, str):
        return value
    fine = sum(said == "fine" for said in value["answers"].values())
    good = gettext("%(n)d 项正常", n=fine) if fine else ""
    return listed(good, gettext("问题：%(numbers)s", numbers=listed(*value["findings"], items=True)) if value["findings"] else "")


def duty_state(value: str) -> str:
    return {
        "waiting": gettext("还没到"),
        "done": gettext("到位"),
        "missed": gettext("缺岗"),
        "signed": gettext("已签"),
        "back": gettext("已回岗"),
        "refused": gettext("没有走"),
    }.get(value, value)
