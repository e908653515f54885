"""A web process computes for few requests at once, however many it is receiving.

Python runs one thread at a time, so more of them finish nothing sooner: they interrupt each other in the middle of a step that
holds the database's write lock, and eight people at once waited a third longer. A body is received before its turn, so that a
phone with a poor network keeps nobody out. Surprise: who has waited long enough goes on in any case; an export of a
minute is no reason for the desk to stand. And who computes lets the other in soon (`share`): a step gives way at each statement,
and would get its turn back only after five thousandths of a second.
"""

from __future__ import annotations

import sys
import threading
from functools import wraps

from flask import Flask, request

from webui.security import SAFE

AT_ONCE = 2
PATIENCE_SECONDS = 0.3
SHARE_SECONDS = 0.0005


def share() -> None:
    """For a process of its own that serves pages: its threads take turns often."""
    sys.setswitchinterval(SHARE_SECONDS)


def install(app: Flask, free: threading.BoundedSemaphore | None = None) -> None:
    """Before whatever does a request again, so that it waits for that outside of its turn. `free`: the places."""
    dispatch, free = app.dispatch_request, free or threading.BoundedSemaphore(AT_ONCE)

    @wraps(dispatch)
    def in_turn():
        if request.method not in SAFE:
            request.get_data(parse_form_data=True)
        mine = free.acquire(timeout=PATIENCE_SECONDS)
        try:
            return dispatch()
        finally:
            if mine:
                free.release()

    app.dispatch_request = in_turn
