"""What makes the pages an application on the phone: manifest, service worker, what it keeps and what it carries along (T30, T39)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from importlib import import_module

import pytest

from tests.people import Story
from tests.service.patrols.walking import FINE, Round


@pytest.fixture
def walked(centre, clock) -> Round:
    return Round(Story(centre), clock)


@pytest.fixture
def app(centre):
    """The demo centre, whose floors are walked."""
    return centre


def test_the_manifest_starts_at_the_patrols_and_names_icons_that_are_there(visitor):
    nobody = visitor()
    found = json.loads(nobody.get("/manifest.webmanifest").data)
    assert (found["start_url"], found["scope"], found["display"]) == ("/patrols", "/", "standalone")
    assert {icon["purpose"] for icon in found["icons"]} == {"any", "maskable"}
    for icon in found["icons"]:
        assert nobody.get(icon["src"]).data.startswith(b"\x89PNG"), icon


def test_the_service_worker_stands_at_the_root_and_what_it_keeps_is_there_for_nobody_in_particular(visitor):
    nobody, lin = visitor(), visitor("lin")
    answer = nobody.get("/sw.js")
    assert answer.mimetype == "text/javascript" and "worker-src 'self'" in answer.headers["Content-Security-Policy"]
    assert lin.get("/sw.js").data == answer.data
    kept = re.findall(r'"(/[^"]+)"', answer.get_data(as_text=True).split("\n")[0])
    assert len(kept) > 8
    for address in kept:
        one, other = nobody.get(address), lin.get(address)
        assert one.status_code == 200 and one.data == other.data and "Set-Cookie" not in one.headers, address
    assert "林" not in lin.get("/offline?in=zh").get_data(as_text=True)
    assert 'lang="en"' in lin.get("/offline?in=en").get_data(as_text=True)


def test_the_version_of_the_worker_is_the_content_of_what_it_keeps(tmp_path, monkeypatch):
    phone = import_module("webui.blueprints.phone")  # the package's own name is the blueprint
    names = (*phone.STYLES, *phone.SCRIPTS, *phone.PICTURES)
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.setattr(phone, "STATIC", tmp_path)
    first = phone.version()
    os.utime(tmp_path / "js/queue.js", (1, 1))
    assert phone.version() == first, "a time is no change"
    (tmp_path / "js/queue.js").write_bytes(b"another")
    assert phone.version() != first


def test_a_phone_carries_the_floors_to_walk_and_no_code_of_a_tag(visitor, walked):
    """T39: it knows a tag when it reads it."""
    walked.walk(11)
    answer = visitor("lin").get("/patrols/day.json")
    (patrol,) = answer.json["patrols"]
    assert [f["label"] for f in patrol["floors"]] == ["3座10层", "3座12层", "3座13层"] and patrol["done"] == 1
    assert patrol["floors"][1]["mine"] and len(answer.json["groups"]) == 6
    code = walked.tag(12)
    assert patrol["floors"][1]["tags"] == [hashlib.sha256(code.encode()).hexdigest()]
    assert code not in answer.get_data(as_text=True) and answer.headers["Cache-Control"] == "no-store"
    assert visitor("hu").get("/patrols/day.json").json["patrols"] == []


def test_carrying_costs_the_same_however_many_floors_there_are(visitor, walked, centre):
    from sqlalchemy import event

    lin, counts = visitor("lin"), []
    for level in (None, 10, 11):
        if level:
            walked.walk(level)
        seen: list = []
        listener = lambda *given, seen=seen: seen.append(given[2])
        event.listen(centre.database, "before_cursor_execute", listener)
        lin.get("/patrols/day.json")
        event.remove(centre.database, "before_cursor_execute", listener)
        counts.append(len(seen))
    assert max(counts) - min(counts) <= 1, counts


def test_the_answer_to_an_entry_is_its_receipt_and_a_refusal_says_why_as_json(visitor, walked):
    lin, visit = visitor("lin"), walked.visits()[12].id
    lin.get("/patrols")

    def send(content: dict | str):
        body = content if isinstance(content, str) else json.dumps(content)
        headers = {"X-CSRF-Token": lin.csrf, "Content-Type": "application/json"}
        return lin.client.post(f"/patrols/floors/{visit}?quiet=1", data=body, headers=headers), body

    refused, _ = send({"id": "phone-entry-9", "answers": {"floors": "fine"}})
    assert refused.status_code == 422 and set(refused.json) == {"what", "next"} and refused.json["what"]
    refused, _ = send({"id": "phone-entry-9", "answers": FINE, "filler": "x" * 70_000})
    assert refused.status_code == 422 and str(walked.visits()[12].state) == "waiting"
    taken, body = send({"id": "phone-entry-9", "answers": FINE})
    assert taken.json["sha256"] == hashlib.sha256(body.encode()).hexdigest() and taken.json["outcome"] == "counted"
    assert lin.get("/patrols/entries/phone-entry-9").json["sha256"] == taken.json["sha256"]
    missing = visitor("chen").get("/patrols/entries/phone-entry-9")
    assert missing.status_code == 404 and set(missing.json) == {"what", "next"}


def test_a_tags_address_is_short_and_asks_to_log_in_first(visitor, walked):
    code = walked.tag(12)
    assert visitor("lin").get(f"/p/{code}").location.endswith(f"?tag={code}")
    assert visitor().get(f"/p/{code}").location.startswith("/login?next=")
