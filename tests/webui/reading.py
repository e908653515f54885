"""What a person reads on an answer, and what its forms would send back."""

from __future__ import annotations

import html
import re


def text(answer) -> str:
    """The words of a page, without its marks, with one space between them."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True))))


def hidden(answer, name: str) -> str:
    """The value of the first input of that name."""
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', answer.get_data(as_text=True))[1])
