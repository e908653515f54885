"""Few requests of a process compute at once; a slow one and a slow sender keep nobody out."""

from __future__ import annotations

import threading

import pytest
from flask import Flask, request

from webui import slots

WAIT = 20  # seconds that a test waits for a thread before it fails


@pytest.fixture
def busy():
    """An application whose `/slow` computes until told to end, and how many do at the moment."""
    web, go_on, inside = Flask("busy"), threading.Event(), threading.Semaphore(0)

    @web.get("/slow")
    def slow():
        inside.release()
        assert go_on.wait(WAIT)
        return "slow"

    @web.post("/quick")
    def quick():
        return request.form.get("name", "")

    slots.install(web)
    return web, go_on, inside


def ask(web: Flask, path: str, answers: list, **sent) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(web.test_client().open(path, **sent).get_data(as_text=True)))
    thread.start()
    return thread


def test_a_third_request_waits_until_one_of_two_has_ended(busy, monkeypatch):
    monkeypatch.setattr(slots, "PATIENCE_SECONDS", WAIT)
    web, go_on, inside = busy
    answers: list[str] = []
    threads = [ask(web, "/slow", answers) for _ in range(3)]
    assert inside.acquire(timeout=WAIT) and inside.acquire(timeout=WAIT)
    assert not inside.acquire(timeout=0.2)  # the third is not in
    go_on.set()
    assert inside.acquire(timeout=WAIT)
    [t.join(WAIT) for t in threads]
    assert answers == ["slow"] * 3


def test_who_has_waited_long_enough_goes_on_beside_two_slow_ones(busy, monkeypatch):
    monkeypatch.setattr(slots, "PATIENCE_SECONDS", 0.01)
    web, go_on, inside = busy
    answers: list[str] = []
    threads = [ask(web, "/slow", answers) for _ in range(2)]
    assert inside.acquire(timeout=WAIT) and inside.acquire(timeout=WAIT)
    assert web.test_client().post("/quick", data={"name": "林"}).get_data(as_text=True) == "林"
    go_on.set()
    [t.join(WAIT) for t in threads]


def test_a_request_that_fails_gives_its_place_back(busy, monkeypatch):
    monkeypatch.setattr(slots, "PATIENCE_SECONDS", WAIT)
    web, _, _ = busy

    @web.get("/broken")
    def broken():
        raise ValueError("in the middle")

    for _ in range(slots.AT_ONCE + 1):
        assert web.test_client().get("/broken").status_code == 500
    assert web.test_client().post("/quick", data={"name": "林"}).status_code == 200


class Slow:
    """A body that comes in pieces; with each it looks how many places are free."""

    def __init__(self, free: threading.BoundedSemaphore):
        self.free, self.left, self.seen = free, [b"name=", b"lin"], []

    def read(self, *_) -> bytes:
        self.seen.append(sum(self.free.acquire(blocking=False) for _ in range(slots.AT_ONCE)))
        [self.free.release() for _ in range(self.seen[-1])]
        return self.left.pop(0) if self.left else b""


def test_a_sender_that_is_slow_has_no_place_until_all_has_come():
    web, free = Flask("sender"), threading.BoundedSemaphore(slots.AT_ONCE)
    web.post("/quick")(lambda: request.form.get("name", ""))
    slots.install(web, free)
    body = Slow(free)
    answer = web.test_client().open("/quick", method="POST", environ_overrides={
        "wsgi.input": body, "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "8"})
    assert answer.get_data(as_text=True) == "lin" and set(body.seen) == {slots.AT_ONCE}
