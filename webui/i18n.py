"""Which language and theme a page is in, and the words of a procedure in that language.

Screens' texts are Chinese in the source and looked up in the English catalogue. A procedure's own texts (task names, form
labels) belong to its owner: they come from the diagram and its forms, and from the `en.yaml` beside them. Surprise: Babel only
makes the catalogues; a page asks for hundreds of texts, and its own look-up took longer than the rest of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import TypeVar

from babel.messages.mofile import read_mo
from flask import Flask, g, request

CATALOGUES = Path(__file__).parent / "translations"
ZONE = "Asia/Shanghai"
LANGUAGES = {"zh": "中文", "en": "English"}
THEMES = ("light", "dark", "auto")
LANGUAGE_COOKIE = "zhiban-language"
Words = TypeVar("Words")


def install(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(gettext, lambda one, many, n: gettext(one if n == 1 else many), newstyle=True)
    app.context_processor(lambda: {"language": language(), "theme": theme(), "languages": LANGUAGES})


def gettext(text: str, /, **values) -> str:
    """The text in the reader's language, with `values` in their places (`%(name)s`)."""
    found = _texts().get(text, text)
    return found % values if values else found


def by_language(made: Callable[[], Words]) -> Callable[[], Words]:
    """Decorator of a table of words without arguments: made once per language, not once per row of a list."""
    tables: dict[str, Words] = {}

    @wraps(made)
    def table() -> Words:
        spoken = language()
        if spoken not in tables:
            tables[spoken] = made()
        return tables[spoken]

    return table


def _texts() -> dict[str, str]:
    """Text of the source -> text in the reader's language, for this request."""
    if (texts := g.get("texts")) is None:
        texts = g.texts = _catalogue(language())
    return texts


@cache
def _catalogue(language: str) -> dict[str, str]:
    """What is not in it is said as it stands in the source."""
    path = CATALOGUES / language / "LC_MESSAGES" / "messages.mo"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {message.id: message.string for message in read_mo(file) if message.id and message.string}


def language() -> str:
    """The person's choice; before log-in what was chosen on the log-in page, else what the browser asks for."""
    if (spoken := g.get("language")) is None:
        spoken = g.language = _chosen_language()
    return spoken


@contextmanager
def words_for_a_terminal(spoken: str, session) -> Iterator[None]:
    """Within it the screens' words are in that language, without a page and without a reader; names come from `session`."""
    with Flask("webui").app_context():
        g.language, g.session = spoken, session
        yield


def _chosen_language() -> str:
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
    mark = "、" if items and language() != "en" else comma()
    return mark.join([part for part in parts if part])


def comma() -> str:
    return ", " if language() == "en" else "，"


def colon() -> str:
    return ": " if language() == "en" else "："
