"""Every reason for which service or engine refuses something is said in Chinese and in English, with the same values."""

from __future__ import annotations

import ast
import re

import pytest
from flask import g

from engine.errors import ExpressionError, NotFound, NotPossible, StepFailed, TooLateToUndo
from engine.feel import evaluate
from engine.feel.language import LIMITS
from tests.conftest import ROOT
from webui import refusals
from webui.errors import fault_of

# Shown by other words: a rule's key and facts (files, passwords, exports), or only to an operator on the command line.
ELSEWHERE = {"FileRefused", "PasswordRefused", "TooManyExports", "DemoRefused", "SettingsWrong", "DefinitionRefused"}
# Errors that have a page of their own, with its own words.
OWN_WORDS = {
    *("TaskNotOpen", "VersionClash", "FormInvalid", "TooLateToUndo", "StepUndone"),
    *("NotThere", "NotAllowed", "StorageFull", "LoginRefused", "TooManyTries"),
}
# What is no text of the code: a Python error that stands in a sentence of ours about a value.
INSIDE = {ROOT / "engine/feel/values.py": {"ValueError", "TypeError"}, ROOT / "engine/feel/language.py": {"TypeError"}}
TEXT_AT = {"StepFailed": 2, "ExpressionError": 1, "ExpressionLimit": 1}  # which argument is the sentence; else the first
NOUNS = {"NotFound"}  # whose first argument is a word in the sentence of the class
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8")) for part in ("service", "engine") for path in (ROOT / part).rglob("*.py")
}
# How FEEL's side in JavaScript refuses: new StrictError('KIND', `text ${value}`), wrong('text'), return condition ? `text` : `text`
SCRIPTS = re.compile(
    r"""(?:Error\((?:'[A-Z_]+', )?|wrong\(|invalidArguments\(|const message = |return |[?:] )(`[^`\n]*`|'[^'\n]*'|"[^"\n]*")"""
)


def name_in(node: ast.AST) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")


def family() -> set[str]:
    """The classes of refusals: what is made from the base of service and of engine."""
    classes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = {"ServiceError", "EngineError"}
    while more := {c.name for c in classes if {name_in(b) for b in c.bases} & found} - found:
        found |= more
    return found - ELSEWHERE - OWN_WORDS


def sentence(node: ast.expr) -> str | None:
    """A text with {} for each value in it; None for what is no text of the code."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def refusing() -> list[tuple[str, ast.expr]]:
    """(where, expression of the text) of everything that refuses in Python."""
    refused = family()
    return [
        (f"{path.relative_to(ROOT)}:{call.lineno}", call.args[at])
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        for call in said_by(node, refused | INSIDE.get(path, set()))
        if len(call.args) > (at := TEXT_AT.get(name_in(call.func), 0)) and name_in(call.func) not in NOUNS
    ]


def sentences() -> dict[str, str]:
    """Every sentence with which something is refused, and where it stands."""
    found = {text: where for where, argument in refusing() if (text := sentence(argument))}
    return found | {text: "engine/feel/language.py, LIMITS" for text in LIMITS.values()} | scripts()


def scripts() -> dict[str, str]:
    """The sentences of FEEL's side in JavaScript, each value as {}."""
    found = {}
    for path in (ROOT / "engine/feel/js").rglob("*.js"):
        code = re.sub(r"(?ms)^\s*//[^\n]*|\s// [^\n]*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
        for text in SCRIPTS.findall(code):
            said = re.sub(r"\$?\{[^}]*\}", "{}", text[1:-1])
            if re.search(r"[a-z]{2,} |got \(", said) and said not in {*refusals.TYPES, "{} in '{}'"}:
                found[said] = str(path.relative_to(ROOT))
    return found


def words_in_values() -> dict[str, str]:
    """Words of the code that a sentence takes as a value: {"soon" if x else "late"}."""
    return {
        constant.value: where
        for where, argument in refusing()
        if isinstance(argument, ast.JoinedStr)
        for choice in ast.walk(argument)
        if isinstance(choice, ast.IfExp)
        for constant in (choice.body, choice.orelse)
        if isinstance(constant, ast.Constant) and re.search("[a-z]{3,}", str(constant.value))
    }


def nouns() -> dict[str, str]:
    """What "... does not exist" is said of."""
    return {
        str(call.args[0].value): f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        for call in said_by(node, NOUNS)
        if call.args and isinstance(call.args[0], ast.Constant)
    }


def said_by(node: ast.AST, refused: set[str]) -> list[ast.Call]:
    if isinstance(node, ast.Call) and name_in(node.func) in refused:
        return [node]
    if isinstance(node, ast.ClassDef) and node.name in refused:  # super().__init__("...")
        return [c for c in ast.walk(node) if isinstance(c, ast.Call) and name_in(c.func) == "__init__"]
    return []


def test_every_refusal_of_service_and_engine_has_a_chinese_text():
    known = dict(refusals.chinese())
    missing = {text: where for text, where in sentences().items() if text not in known}
    assert len(sentences()) > 200
    assert len(scripts()) > 15
    assert missing == {}, "say these in webui/translations/zh/LC_MESSAGES/refusals.po"


def test_every_word_that_an_english_sentence_takes_as_a_value_has_a_chinese_one():
    words = words_in_values() | nouns()
    assert {word: where for word, where in words.items() if word not in refusals.VALUES} == {}
    assert {"an instant", "Task", "Incident"} <= words.keys()


def test_no_chinese_text_names_a_value_that_the_sentence_has_not():
    for english, chinese in refusals.chinese():
        named = {int(n) for n in re.findall(r"\{(\d)(?::\w+)?\}", chinese)}
        assert named <= set(range(english.count("{}"))), english
        assert not re.search(r"[a-z]{3,}", re.sub(r"\{.*?\}|name@example\.com|Asia/Shanghai|--centre", "", chinese)), chinese


@pytest.fixture
def reading(web):
    """`reading("zh", text)` is what a person of that language reads."""

    def of(language: str, text: Exception | str) -> str:
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


def test_every_reason_for_which_a_step_cannot_be_undone_has_its_words(web):
    written = ast.unparse(next(n for n in TREES[ROOT / "engine/errors.py"].body if getattr(n, "name", "") == "TooLateToUndo"))
    reasons = re.findall(r"'(\w+)': '", written)
    assert {"time", "acted", "told", "upgraded"} == set(reasons)
    with web.test_request_context("/"):
        g.language = "zh"
        said = {why: fault_of(TooLateToUndo("t", "派单", why)).what for why in reasons}
    assert said["upgraded"] == "“派单”撤不回了：是程序升级前办的" and len(set(said.values())) == 4


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


WHY_A_STEP_FAILED = [
    (
        StepFailed(None, "handle", str(ExpressionError('a > "x"', "a number (3) is compared with a string in 'a > \"x\"'"))),
        "步骤 handle：算式“a > \"x\"”算不下去：拿数（3）和文本比（“a > \"x\"”）",
    ),
    (
        StepFailed(None, "level", str(ExpressionError("级别", "Level, rule 3, input 类别: unknown name '类别'"))),
        "步骤 level：算式“级别”算不下去：Level, rule 3, input 类别：没有“类别”这个名字",
    ),
    (
        StepFailed(None, "wait", "Timer `=x`: 'R/P0D' is no cycle."),
        "步骤 wait：定时“=x”：'R/P0D' 不是循环",
    ),
    (NotFound("Task", "7"), "没有这个任务：7。重新打开列表再选"),
    (NotPossible("Nothing waits for urge of 2026-0001: it has ended or is not at that point. Open it to see where it is."),
     "2026-0001 已经结束，或者没有走到这一步。打开看走到哪里"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "chinese"), WHY_A_STEP_FAILED)
def test_why_a_step_failed_is_said_in_chinese_down_to_the_innermost_cause(reading, error, chinese):
    assert reading("zh", error) == chinese
    assert reading("en", error) == str(error)


def test_a_real_expression_that_fails_is_said_in_chinese(reading):
    for text in ("1 / 0", "nobody + 1", '1 < "a"', "[1, 2] and true", 'max(1, "a")', "1 +", "  "):
        with pytest.raises(ExpressionError) as failed:
            evaluate(text, {})
        said = reading("zh", failed.value)
        assert re.search("算不下去：.*[一-鿿]", said) and (text == "  " or "expression" not in said), said
