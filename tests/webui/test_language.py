"""Both languages say everything: the catalogue is complete, placeholders agree, and an English page holds no Chinese of ours."""

from __future__ import annotations

import re

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.webui.conftest import ROOT

METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def catalogue():
    with open(ROOT / "webui/translations/en/LC_MESSAGES/messages.po", "rb") as file:
        return read_po(file, locale="en")


def test_every_text_of_the_screens_is_in_the_english_catalogue():
    texts = {
        found[2] for found in extract_from_dir(str(ROOT / "webui"), METHODS, keywords={"_": None, "gettext": None})
    }
    known = {message.id for message in catalogue() if message.id and message.string}
    assert texts - known == set()


def test_translations_keep_the_placeholders():
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"%\((\w+)\)[sd]", text))

    wrong = [m.id for m in catalogue() if m.id and places(m.id) != places(m.string)]
    assert wrong == []


def test_an_english_page_shows_chinese_only_where_people_wrote_it(visitor, repair):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    for path in ("/", "/tickets", "/notices", "/register", repair, "/tickets/2026-0001"):
        page = lin.get(path).get_data(as_text=True)
        text = re.sub(r"<[^>]*>", " ", page)
        theirs = (
            "茶水间吊顶漏水，滴到会议室",
            "茶水间吊顶漏水",
            "恒远律师事务所",
            "林晓雯",
            "沈静",
            "唐亦",
            "行政主管",
            "前台",
            "周一上午例会，别约上门",
            "中文",
            "3座",
        )
        for word in sorted(theirs, key=len, reverse=True):
            text = text.replace(word, "")
        assert not re.findall(r"[一-鿿，。：、（）]+", text.replace("林", "")), (
            path,
            re.findall(r".{0,30}[一-鿿，。：、（）]+.{0,20}", text),
        )
