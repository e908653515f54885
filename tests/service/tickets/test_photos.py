"""Photos: what is kept of them, what is refused, who gets them (assurance B; T24, T28)."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from service.errors import NotThere, PhotoRefused, StorageFull
from service.tickets import actions, photos, queries
from service.tickets.models import Photo, PhotoKind

GPS, ORIENTATION, TURNED_RIGHT = 0x8825, 0x0112, 6


def jpeg(width: int = 60, height: int = 40, gps: bool = True) -> bytes:
    """A picture as a phone sends it: lying on its side, with a place in it and something behind its end."""
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED_RIGHT
    if gps:
        exif.get_ifd(GPS)[1], exif.get_ifd(GPS)[2] = "N", (31.0, 13.0, 48.0)
    out = BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "JPEG", exif=exif, comment=b"secret comment")
    return out.getvalue() + b"<script>alert(1)</script>"


def picture(format: str, mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new(mode, (30, 20)).save(out, format)
    return out.getvalue()


def test_nothing_but_the_pixels_is_kept():
    sent = jpeg()
    assert b"Exif" in sent
    kept = photos.encode_anew(sent)
    image = Image.open(BytesIO(kept.content))
    assert not image.getexif() and "comment" not in image.info
    assert b"script" not in kept.content and b"secret" not in kept.content and b"Exif" not in kept.content


def test_a_picture_taken_sideways_stands_upright():
    kept = photos.encode_anew(jpeg(60, 40))
    assert (kept.width, kept.height) == (40, 60)


@pytest.mark.parametrize("format, media_type", [("PNG", "image/png"), ("WEBP", "image/webp"), ("JPEG", "image/jpeg")])
def test_each_kind_stays_what_it_is(format, media_type):
    assert photos.encode_anew(picture(format)).media_type == media_type


def test_a_heic_of_an_iphone_becomes_a_jpeg():
    """T28."""
    import pillow_heif

    out = BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "red")).save(out)
    kept = photos.encode_anew(out.getvalue())
    assert (kept.media_type, Image.open(BytesIO(kept.content)).format) == ("image/jpeg", "JPEG")


@pytest.mark.parametrize(
    "sent", [b"", b"%PDF-1.7 ...", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(40), jpeg()[:200]]
)
def test_what_is_no_picture_is_refused(sent):
    with pytest.raises(PhotoRefused):
        photos.encode_anew(sent)


def test_a_picture_that_is_huge_unpacked_is_refused_before_it_is_unpacked():
    out = BytesIO()
    Image.new("1", (8000, 8000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    with pytest.raises(PhotoRefused, match="64 megapixels"):
        photos.encode_anew(out.getvalue())


def test_a_file_over_the_limit_is_refused():
    with pytest.raises(PhotoRefused, match="at most 1 MB"):
        photos.encode_anew(bytes(1_000_001), max_megabytes=1)


def test_a_photo_lies_outside_the_web_root_under_a_key_that_nobody_guesses(story):
    """T24, T28: the name stays as it was given, the file lies under a random key."""
    number = story.register()
    photo = actions.add_photo(story.app, story.person("lin"), number, jpeg(), "茶水间 1.jpg", "before")
    with story.as_person("lin") as lin:
        path, row = queries.photo_file(lin, photo.key)
    assert path.read_bytes() == photos.encode_anew(jpeg()).content
    assert (row.name, len(row.key), path.is_relative_to(story.app.settings.photos)) == ("茶水间 1.jpg", 32, True)


def test_the_same_picture_sent_again_is_one_photo(story):
    """T28."""
    number = story.register()
    first = actions.add_photo(story.app, story.person("lin"), number, jpeg(), "a.jpg")
    again = actions.add_photo(story.app, story.person("lin"), number, jpeg(), "b.jpg")
    assert (again.id, again.source_sha256) == (first.id, first.source_sha256)
    assert len([p for p in story.app.settings.photos.rglob("*") if p.is_file()]) == 1


def test_a_photo_is_given_only_to_who_sees_its_ticket(story):
    """T24."""
    photo = actions.add_photo(story.app, story.person("lin"), story.register(), jpeg(), "a.jpg")
    for username in ("hu", "gao", "admin"):
        with story.as_person(username) as person, pytest.raises(NotThere):
            queries.photo_file(person, photo.key)
    with story.as_person("qin") as qin:
        assert queries.photo_file(qin, photo.key)


def test_a_stranger_cannot_upload_and_leaves_no_file(story):
    number = story.register()
    with pytest.raises(NotThere):
        actions.add_photo(story.app, story.person("hu"), number, jpeg(), "a.jpg")
    assert not story.app.settings.photos.exists()


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", "", "..", "a.b"])
def test_a_made_up_key_leads_out_of_nothing(key, tmp_path):
    with pytest.raises(PhotoRefused):
        photos.path_of(tmp_path, key)


def test_uploads_stop_while_the_disk_is_nearly_full(tmp_path):
    """F9."""
    with pytest.raises(StorageFull):
        photos.store(tmp_path, photos.encode_anew(jpeg()), reserve_megabytes=10**9)


def test_a_form_can_only_name_photos_of_its_own_ticket(story):
    here, other = story.register(), story.register(unit="2-0805")
    foreign = actions.add_photo(story.app, story.person("lin"), other, jpeg(), "a.jpg")
    story.dispatch(here)
    story.complete("liu", "accept_slip", {"answer": "accept"})
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": [foreign.id]})
    assert story.card("lin", other).photos[0].kind == "other"


def test_a_photo_taken_before_the_work_stays_one_when_it_is_sent_again_after_it(story):
    number = story.register()
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    liu = story.person("liu")
    photo = actions.add_photo(story.app, liu, number, jpeg(), "滴水.jpg", "before")
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": [photo.id]})
    again = actions.add_photo(story.app, liu, number, jpeg(), "修好.jpg", "after")
    story.complete("liu", "handle", {"result": "换了密封圈", "cause": "老化", "labour_minutes": 20, "photo_after": [again.id]})
    with story.app.session() as session:
        assert again.id == photo.id and session.get(Photo, photo.id).kind == PhotoKind.BEFORE
