"""Photos: in with the form, out only through the ticket's own check, with nothing but pixels (T24, T28)."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from tests.webui.test_story import do, form_of


def jpeg() -> bytes:
    picture, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = "where I live"
    Image.new("RGB", (64, 40), "#b9c2bf").save(picture, "JPEG", exif=exif)
    return picture.getvalue()


@pytest.fixture
def arrive(visitor, repair) -> str:
    """The address of the task "on site" of an accepted slip."""
    lin, liu = visitor("lin"), visitor("liu")
    do(lin, repair, {"department": "engineering", "instruction": "茶水间"})
    accept = re.search(r'href="(/tasks/\w+)"', liu.get("/queue").get_data(as_text=True))[1]
    return do(liu, accept, {"answer": "accept"}).split("?")[0]


def send(person, address: str, name: str, content: bytes, **values):
    form = form_of(person.get(address).get_data(as_text=True))
    return person.post(address, form | values | {"photo_before": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def test_a_photo_of_a_task_stands_on_the_ticket_without_its_hidden_data(visitor, arrive):
    """T24."""
    liu = visitor("liu")
    answer = send(liu, arrive, "修前.jpg", jpeg(), arrived_at="2026-11-20T10:00")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    page = visitor("lin").get("/tickets/2026-0001").get_data(as_text=True)
    address = re.search(r'src="(/photos/[^"]+)"', page)[1]
    photo = liu.get(address)
    assert photo.mimetype == "image/jpeg" and b"where I live" not in photo.data
    assert photo.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert photo.headers["X-Content-Type-Options"] == "nosniff"
    assert visitor("hu").get(address).status_code == 404
    assert visitor().get(address).location.startswith("/login")


def test_what_is_no_picture_is_refused_and_what_was_typed_stays(visitor, arrive):
    answer = send(visitor("liu"), arrive, "trick.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", arrived_at="2026-11-20T09:58")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "这张照片收不了" in page and "2026-11-20 09:58" in page


def test_a_photo_is_kept_when_another_field_is_wrong(visitor, arrive):
    liu = visitor("liu")
    answer = send(liu, arrive, "修前.jpg", jpeg(), arrived_at="")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and re.search(r'type="hidden" name="photo_before" value="\d+"', page)


def test_a_script_that_sends_a_photo_gets_the_hash_of_what_it_sent(visitor, repair):
    import hashlib

    lin, content = visitor("lin"), jpeg()
    lin.get("/tickets/2026-0001")
    for _ in range(2):  # a phone on a bad line sends it twice: one photo
        answer = lin.post("/tickets/2026-0001/photos", {"photo": (io.BytesIO(content), "a.jpg")}, content_type="multipart/form-data",
                          headers={"Accept": "application/json"})
        assert answer.get_json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert lin.get("/tickets/2026-0001").get_data(as_text=True).count("<figure>") == 1
