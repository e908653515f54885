"""Which field a form's summary is about: each by its label, what is wrong with several of them said once, in both languages."""

from __future__ import annotations

from tests.webui.conftest import REPAIR
from tests.webui.reading import text

EMPTY = REPAIR | {"category": "", "request": "", "expectation": ""}


def test_three_missing_values_are_named(visitor):
    answer = visitor("lin").post("/register", EMPTY)
    assert answer.status_code == 422
    assert "还有 3 处要改 要填：类别、诉求、客户期望 改好标红的地方再提交" in text(answer)


def test_what_else_is_wrong_stands_after_the_field_it_is_about(visitor):
    long = visitor("lin").post("/register", EMPTY | {"category": "repair", "request": "漏水" * 2000})
    assert "还有 2 处要改 诉求：最多 2000 个字，现在 4000 个；要填：客户期望 改好" in text(long)


def test_in_english_too(visitor):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    lin.get("/register")
    assert "3 to correct Fill in: Category, Request, What the customer expects " in text(lin.post("/register", EMPTY))
