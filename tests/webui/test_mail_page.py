"""The page where a person says which notices go to a mailbox."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from service.notifications.models import NoticeAddress
from service.notifications.rules import USUAL
from webui.views import ways


@pytest.fixture
def mail(app):
    """This installation sends mail."""
    app.settings = replace(app.settings, smtp_host="127.0.0.1", smtp_tls="none", mail_from="zhiban@example.com")


def kept(app) -> list[tuple]:
    with app.session() as session:
        return [(row.address, row.wanted, row.kinds) for row in session.query(NoticeAddress)]


def test_a_person_gives_an_address_and_says_what_goes_there(app, visitor, mail):
    lin = visitor("lin")
    assert "/notices/mail" in lin.get("/notices").get_data(as_text=True)
    form = {"address": "lin@example.com", "wanted": "on", "way-urge": "never", "way-reminder": "at-once"}
    assert lin.post("/notices/mail", form).status_code == 303
    assert kept(app) == [("lin@example.com", True, {"urge": "never"})]
    page = lin.get("/notices/mail").get_data(as_text=True)
    assert 'value="lin@example.com"' in page and re.search(r'name="way-urge">.*?value="never" selected', page)
    lin.post("/notices/mail", {"address": ""})
    assert kept(app) == []


@pytest.mark.parametrize("wrong", ["lin", "zhiban@example.com", "a@example.com\nBcc: b@example.com"])
def test_an_address_that_cannot_be_is_shown_with_what_is_wrong(app, visitor, mail, wrong):
    lin = visitor("lin")
    answer = lin.post("/notices/mail", {"address": wrong, "way-urge": "never"})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, kept(app)) == (422, [])
    assert 'aria-invalid="true"' in page and re.search(r'name="way-urge">.*?value="never" selected', page)


def test_a_way_that_is_none_is_refused(app, visitor, mail):
    visitor("lin").post("/notices/mail", {"address": "lin@example.com", "way-urge": "by pigeon"})
    assert kept(app) == []


def test_where_no_mail_is_sent_the_page_says_so(visitor):
    lin = visitor("lin")
    assert "/notices/mail" not in lin.get("/notices").get_data(as_text=True)
    page = lin.get("/notices/mail").get_data(as_text=True)
    assert "这里还不能发邮件" in page and 'name="address"' not in page


def test_the_page_is_whole_in_english(visitor, mail):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    text = re.sub(r"<[^>]*>", " ", lin.get("/notices/mail").get_data(as_text=True))
    assert "Notices by mail" in text and "林" in text
    assert re.findall(r"[一-鿿]+", text.replace("林晓雯", "").replace("林", "").replace("中文", "")) == []


def test_every_kind_can_be_chosen(web):
    with web.test_request_context():
        assert set(ways._names()) == set(USUAL) - {"promise"}
