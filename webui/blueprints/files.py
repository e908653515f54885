"""Photos, in and out. Out only through the ticket's own check, with a fixed type and a policy that lets them do nothing."""

from __future__ import annotations

from flask import Blueprint, Response, g, redirect, request, send_file, url_for

from service.tickets import actions
from webui.errors import Missing
from webui.gates import gate, photo_for, service_app, ticket_for
from webui.i18n import gettext
from webui.security import PHOTO_CSP, takes_photos
from webui.told import told

files = Blueprint("files", __name__)


@files.get("/photos/<key>")
@gate(photo_for, "key")
def photo(found) -> Response:
    path, row = found
    if not path.is_file():
        raise Missing("photo")
    answer = send_file(path.resolve(), mimetype=row.media_type, conditional=True, etag=row.sha256)
    answer.headers["Content-Security-Policy"] = PHOTO_CSP
    answer.headers["Content-Disposition"] = "inline"
    return answer


@files.post("/tickets/<number>/photos")
@takes_photos
@gate(ticket_for, "number")
def add(card):
    """A photo for a ticket; for a script it answers with the hash of what was sent, so that a phone may delete its copy (T30)."""
    file = request.files.get("photo")
    if file is None or not file.filename:
        return redirect(url_for("tickets.show", number=card.ticket.number), 303)
    stored = actions.add_photo(service_app(), g.person, card.ticket.number, file.read(), file.filename)
    if request.accept_mimetypes.best == "application/json":
        return {"id": stored.id, "sha256": stored.source_sha256, "href": url_for("files.photo", key=stored.key)}
    told(gettext("照片加上了"))
    return redirect(url_for("tickets.show", number=card.ticket.number), 303)
