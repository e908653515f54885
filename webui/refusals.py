"""Why service or engine refused something, in the reader's language.

They say it in English, as their log and the command line do, and know no screen. Here that sentence is found by its pattern in
the Chinese catalogue (`translations/zh/LC_MESSAGES/refusals.po`) and said with the same values; a value may be a sentence itself (why a
step failed). Surprise: a sentence without a Chinese text is shown as it is; a test finds every one of ours in the code first.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from webui import words
from webui.i18n import language
from webui.people import name_of

CATALOGUE = Path(__file__).parent / "translations" / "zh" / "LC_MESSAGES" / "refusals.po"
PLACED = re.compile(r"(?s)(?P<reason>.*) in '(?P<where>.*?)'")  # how FEEL says where in an expression
AT = re.compile(r"(?s)(?P<where>[^:]*): (?P<reason>.*)")  # how a decision table says which cell

# Words of the code that stand as values in its sentences.
VALUES = {
    "Nobody": "没有人",
    "More than one person": "不止一个人",
    "an instant": "一个时刻",
    "a duration": "一段时长",
    "date": "时刻",
    "cycle": "循环",
    "Process instance": "流程实例",
    "Process definition": "流程版本",
    "Decision": "决策表",
    "decision": "决策表",
    "Task": "任务",
    "Timer": "定时",
    "Incident": "故障",
    "Step to undo of task": "要撤销的一步，任务",
    "Move to undo of process instance": "要退回的迁移，流程实例",
    "armed": "在等",
    "fired": "到过点",
    "running": "在走",
    "completed": "办完",
    "ended": "结束",
    "cancelled": "收回",
}
TYPES = {
    "nil": "空值",
    "null": "空值",
    "boolean": "是否",
    "number": "数",
    "string": "文本",
    "list": "列表",
    "context": "一组值",
    "date": "日期",
    "time": "时间",
    "date time": "日期时间",
    "date and time": "日期时间",
    "duration": "时长",
    "days and time duration": "时长",
    "years and months duration": "年月时长",
    "range": "区间",
    "function": "函数",
    "literal": "函数",
    "none": "没有",
    "another type": "别的类型",
}


def said(error: Exception | str) -> str:
    """The refusal in the reader's language; what is in it already stays as it is."""
    text = str(error)
    return text if language() == "en" else _chinese(text) or text


def _chinese(text: str) -> str | None:
    for pattern, chinese in patterns():
        if found := pattern.fullmatch(text):
            return chinese.format(*map(Value, found.groups()))
    return None


def _of_feel(text: str) -> str:
    """Why an expression failed: the sentence alone, with the part of the expression, or with the cell of the table it stands in."""
    if (found := PLACED.fullmatch(text)) and (known := _chinese(found["reason"])):
        return f"{known}（“{found['where']}”）"
    if known := _chinese(text):
        return known
    if (found := AT.fullmatch(text)) and (known := _of_feel(found["reason"])) != found["reason"]:
        return f"{found['where']}：{known}"
    return text


@cache
def patterns() -> list[tuple[re.Pattern[str], str]]:
    """(what an English sentence looks like, the Chinese one): those that begin with a word first, then the longest."""
    texts = sorted(chinese(), key=lambda pair: (bool(re.match(r"\W*\{\}", pair[0])), -len(pair[0].replace("{}", ""))))
    return [(re.compile(re.escape(english).replace(r"\{\}", "(.*?)"), re.DOTALL), text) for english, text in texts]


def chinese() -> list[tuple[str, str]]:
    """(English, Chinese) of the catalogue."""
    with CATALOGUE.open("rb") as file:
        return [(str(m.id), str(m.string)) for m in read_po(file, locale="zh") if m.id and m.string]


class Value(str):
    """A value that a sentence names: as it is, or in words as `person`, `urgency`, `type`, or as a sentence (`said`, `feel`)."""

    def __format__(self, kind: str) -> str:
        return KINDS[kind](str(self))


KINDS = {
    "": lambda text: VALUES.get(text, text),
    "person": lambda text: name_of(text) or text,
    "urgency": words.urgency,
    "type": lambda text: "、".join(TYPES.get(one.removeprefix("a "), one) for one in text.split(", ")),
    "said": lambda text: _chinese(text) or text,
    "feel": _of_feel,
}
