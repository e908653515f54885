"""What people read when the database goes away while their page is answered."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import OperationalError

from engine.errors import TaskNotOpen


def test_a_database_that_goes_away_while_the_words_are_sought_is_told_as_busy(web, visitor, monkeypatch):
    """F8: the words for an error name who was faster, and that name is in the database too."""
    lin = visitor("lin")

    def gone(*_):
        raise OperationalError("select", {}, sqlite3.OperationalError("the server closed the connection"))

    def late(*_, **__):
        raise TaskNotOpen("0" * 32, "核实", "completed", "chen", None)

    monkeypatch.setattr("webui.people.name_of", gone)
    monkeypatch.setitem(web.view_functions, "notices.index", late)
    answer = lin.get("/notices")
    assert answer.status_code == 503 and "系统正忙" in answer.get_data(as_text=True)
