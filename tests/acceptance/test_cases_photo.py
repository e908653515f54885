"""Photos from a telephone, whatever browser it has: the plain file control, sent as a file."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import photo_of

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


@pytest.fixture
def on_site(desk, story):
    """Liu before the task "on site", on a telephone."""
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    liu = desk("liu", phone=True)
    liu.task(number)
    return liu


def test_a_telephone_sends_a_photo_by_the_plain_file_control(on_site, story):
    """T29: no camera control of our own that a browser may lack; the file goes out as a file."""
    control = on_site.page.locator("input[type=file][name=photo_before]")
    assert (control.get_attribute("accept"), control.get_attribute("capture")) == ("image/*", None)
    sent = []
    on_site.page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    on_site.arrive(photo=photo_of())
    assert any(request.headers["content-type"].startswith("multipart/form-data") for request in sent)
    photo = story.card("lin", on_site.number).photos[0]
    assert (photo.name, photo.kind) == ("before.jpg", "before")
