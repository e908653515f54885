"""A text that a diagram writes is read in the reader's language; what people typed stays as typed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, g

from engine.definitions import read_folder
from webui.diagram_texts import diagram_text
from webui.filters import date_words
from webui.views import notices

BPMN = Path(__file__).parents[2] / "bpmn"


class Catalogue:
    """The shipped procedures as if all were in force; counts how often they are asked for."""

    def __init__(self):
        procedures = [read_folder(folder) for folder in sorted(BPMN.iterdir())]
        self.definitions = [SimpleNamespace(hash=p.hash, procedure=p) for p in procedures]
        self.asked = 0

    def all_in_force(self, _connection):
        self.asked += 1
        return self.definitions


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue()


@pytest.fixture
def reader(catalogue):
    app = Flask("webui")
    app.extensions["zhiban"] = SimpleNamespace(engine=SimpleNamespace(catalogue=catalogue))
    with app.app_context():
        g.language, g.session = "en", SimpleNamespace(connection=lambda: None)
        yield


def test_an_english_reader_reads_the_reason_in_english_with_the_place_behind_it(reader):
    assert diagram_text("到时没人接：3座大堂") == "Nobody took it in time: 3座大堂"
    assert "Nobody took it in time: 3座大堂" in notices.text("escalated", {"reason": "到时没人接：3座大堂"}, "WT1")


def test_an_english_reader_reads_what_a_reminder_is_about(reader):
    assert notices.text("reminder", {"about": "派单到时没人接"}, "2026-0001").startswith("Nobody accepted the slip in time")


def test_an_english_reader_reads_a_title(reader):
    assert [diagram_text(t) for t in ("班后自查", "交接班 前台")] == ["End-of-day check", "Handover 前台"]
    assert [diagram_text(t) for t in ("日审 11月20日", "周检 2月29日")] == ["Daily review 20 Nov", "Weekly review 29 Feb"]


@pytest.mark.parametrize("typed", ["一个人看不过来", "离岗去吃饭", "班后自查没做", "", "Leak"])
def test_what_a_person_typed_stays(reader, typed):
    assert diagram_text(typed) == typed


def test_a_page_asks_once_for_the_procedures_and_a_chinese_page_never(reader, catalogue):
    before = catalogue.asked
    assert [diagram_text("离岗") for _ in range(3)] == ["Leaving the post"] * 3 and catalogue.asked == before + 1
    g.language = "zh"
    g.pop("diagram_texts")
    assert diagram_text("到时没人接：大堂") == "到时没人接：大堂" and catalogue.asked == before + 1


def test_a_date_with_its_weekday_is_read_in_the_readers_order(reader):
    assert date_words(date(2026, 12, 1)) == "Tue 1 Dec"


def test_a_chinese_date_has_its_weekday_behind(reader):
    g.language = "zh"
    assert date_words(date(2026, 12, 1)) == "12月1日 周二"
