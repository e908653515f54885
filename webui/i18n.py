"""Which language and theme a page is in, and the words of a procedure in that language.

Screens' texts are Chinese in the source and looked up in the English catalogue. A procedure's own texts (task names, form
labels) belong to its owner: they come from the diagram and its forms, and from the `en.yaml` beside them.
"""

from __future__ import annotations

from flask import Flask, g, request
from flask_babel import Babel

ZONE = "Asia/Shanghai"
LANGUAGES = {"zh": "中文", "en": "English"}
THEMES = ("light", "dark", "auto")
LANGUAGE_COOKIE = "zhiban-language"


def install(app: Flask) -> None:
    app.config.update(BABEL_DEFAULT_LOCALE="zh_CN", BABEL_DEFAULT_TIMEZONE=ZONE)
    Babel(app, locale_selector=lambda: "en" if language() == "en" else "zh_CN")
    app.context_processor(lambda: {"language": language(), "theme": theme(), "languages": LANGUAGES})


def language() -> str:
    """The person's choice; before log-in what was chosen on the log-in page, else what the browser asks for."""
    chosen = g.get("shown_in") or getattr(g.get("person"), "locale", None) or request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), default="zh") or "zh"


def theme() -> str:
    chosen = getattr(g.get("person"), "theme", None)
    return chosen if chosen in THEMES else "auto"


def html_language() -> str:
    return "en" if language() == "en" else "zh-CN"


def listed(*parts: str, items: bool = False) -> str:
    """The parts that are there, with the language's comma; `items` are things in a row (、)."""
    mark = ", " if language() == "en" else "、" if items else "，"
    return mark.join(part for part in parts if part)


def comma() -> str:
    return ", " if language() == "en" else "，"


def colon() -> str:
    return ": " if language() == "en" else "："
