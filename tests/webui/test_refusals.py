"""Every reason for which the service refuses something is said in Chinese and in English, with the same values."""

from __future__ import annotations

import ast
import re

import pytest
from flask import g

from tests.conftest import ROOT
from webui import refusals

# Shown by other words: a rule's key and facts (files, passwords), who may (NotAllowed), or only to an operator on the command line.
ELSEWHERE = {"FileRefused", "PasswordRefused", "DemoRefused", "NotWanted"}
# Errors of other families whose text reaches a person.
ALSO = {"DraftOlder", "DraftSpent", "DraftTooBig", "TooManyDrafts"}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "service").rglob("*.py")}


def name_in(node: ast.AST) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")


def family() -> set[str]:
    """The classes of refusals, `Refused` and what is made from it."""
    classes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = {"Refused"}
    while more := {c.name for c in classes if {name_in(b) for b in c.bases} & found} - found:
        found |= more
    return (found | ALSO) - ELSEWHERE


def sentence(node: ast.expr) -> str | None:
    """A text with {} for each value in it; None for what is no text of the code."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def sentences() -> dict[str, str]:
    """Every sentence with which something is refused, and where it stands."""
    refused, found = family(), {}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            for call in said_by(node, refused):
                if call.args and (text := sentence(call.args[0])):
                    found[text] = f"{path.relative_to(ROOT)}:{call.lineno}"
    return found


def said_by(node: ast.AST, refused: set[str]) -> list[ast.Call]:
    if isinstance(node, ast.Call) and name_in(node.func) in refused:
        return [node]
    if isinstance(node, ast.ClassDef) and node.name in refused:  # super().__init__("...")
        return [c for c in ast.walk(node) if isinstance(c, ast.Call) and name_in(c.func) == "__init__"]
    return []


def test_every_refusal_of_the_service_has_a_chinese_text():
    known = dict(refusals.chinese())
    missing = {text: where for text, where in sentences().items() if text not in known}
    assert len(sentences()) > 60
    assert missing == {}, "say these in webui/translations/zh/LC_MESSAGES/refusals.po"


def test_no_chinese_text_names_a_value_that_the_sentence_has_not():
    for english, chinese in refusals.chinese():
        named = {int(n) for n in re.findall(r"\{(\d)(?::\w+)?\}", chinese)}
        assert named <= set(range(english.count("{}"))), english
        assert not re.search(r"[a-z]{3,}", re.sub(r"\{.*?\}|name@example\.com|Asia/Shanghai|--centre", "", chinese)), chinese


@pytest.fixture
def reading(web):
    """`reading("zh", text)` is what a person of that language reads."""

    def of(language: str, text: str) -> str:
        with web.test_request_context("/", headers={"Accept-Language": language}), web.extensions["zhiban"].session() as session:
            g.session = session
            return refusals.said(text)

    return of


def test_every_sentence_is_found_again_with_its_values(reading):
    for number, (english, _) in enumerate(refusals.chinese()):
        values = [f"值{number}.{n}" for n in range(english.count("{}"))]
        said = reading("zh", english.format(*values))
        chinese = dict(refusals.chinese())[english]
        assert said == chinese.format(*map(refusals.Value, values)) if ":" not in chinese else re.search("[一-鿿]", said)
        assert reading("en", english.format(*values)) == english.format(*values)


def test_people_and_urgencies_are_said_in_words(reading):
    assert reading("zh", "This promise was already ended by lin.") == "这件答应已经由林晓雯结束了"
    assert reading("zh", "2026-0001 is urgent already. Pick the other urgency.") == "2026-0001 本来就是紧急，选另一个"
    assert "没有人" in reading("zh", "Nobody here is called 老王. Pick a person from the list.")
    assert reading("zh", "这里写的是中文") == "这里写的是中文", "what the screen itself refuses is in the language already"


def test_a_refused_change_is_told_in_the_readers_language(visitor, repair):
    lin = visitor("lin")
    for language, words in (("zh", "答应的时刻已经过了"), ("en", "The promised moment is already over")):
        lin.post("/me", {"language": language})
        lin.get("/tickets/2026-0001")
        answer = lin.post("/tickets/2026-0001/promise", {"text": "给回话", "due_at": "2020-01-01T10:00"})
        assert answer.status_code == 422 and words in answer.get_data(as_text=True), language
