"""What makes the pages an application on the phone: manifest, service worker, and the page that it shows without network.

None of it is anybody's: the same for every reader, so that the browser may keep it. Whose floors they are stands in the browser's
own store (webui/static/js/queue.js), never in these answers.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, current_app, g, jsonify, render_template, request, url_for

from webui.gates import gate, public
from webui.i18n import LANGUAGES, gettext
from webui.views.patrols import severities

phone = Blueprint("phone", __name__)

HERE = Path(__file__).parent.parent
STATIC = HERE / "static"
STYLES = ("vendor/tabler.css", "css/tokens.css", "css/components.css", "css/screens.css", "css/patrols.css", "css/phone.css")
SCRIPTS = ("js/forms.js", "js/queue.js", "js/patrol.js", "js/offline.js")
PICTURES = ("vendor/icons.svg", "icon.svg", "vendor/icon-192.png")
# What the page without network is made of beside them; a change of any makes a new version.
MADE_OF = ("static/js/worker.js", "templates/patrols/offline.html", "templates/patrols/_*.html", "templates/macros/*.html",
           "templates/fields/_file.html", "translations/*/LC_MESSAGES/*.mo")  # fmt: skip


@phone.get("/manifest.webmanifest")
@gate(public)
def manifest():
    static = current_app.jinja_env.globals["static"]
    icons = [
        {"src": static(f"vendor/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"}
        for size in (192, 512)
    ]
    icons.append({"src": static("vendor/icon-full-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"})
    answer = jsonify(
        id="/",
        name=gettext("值班"),
        short_name=gettext("值班"),
        start_url=url_for("patrols.index"),
        scope="/",
        display="standalone",
        background_color="#f1f4f3",
        theme_color="#17332f",
        icons=icons,
    )
    answer.mimetype = "application/manifest+json"
    return answer


@phone.get("/sw.js")
@gate(public)
def worker():
    """The service worker, at the root so that it may answer for every page; its version is the content of what it keeps."""
    static = current_app.jinja_env.globals["static"]
    kept = [static(name) for name in (*STYLES, *SCRIPTS, *PICTURES)]
    pages = {code: url_for("phone.offline", **{"in": code}) for code in LANGUAGES}
    head = f"const VERSION = {json.dumps(version())}, FILES = {json.dumps(kept)}, PAGES = {json.dumps(pages)};\n"
    return Response(head + (STATIC / "js/worker.js").read_text(encoding="utf-8"), mimetype="text/javascript")


@phone.get("/offline")
@gate(public)
def offline():
    """The page without network: nobody's, in the language asked for. Its script fills it from the browser's own store."""
    asked = request.args.get("in", "")
    g.shown_in = asked if asked in LANGUAGES else None
    return render_template(
        "patrols/offline.html",
        page=_blank(),
        styles=STYLES,
        scripts=SCRIPTS,
    )


def _blank() -> dict:
    """A floor's page with nothing of any floor in it."""
    return {
        "groups": (),
        "severities": severities(),
        "departments": {},
        "photo_item": "…",
        "tag": "",
    }


def version() -> str:
    """Says whether anything changed that the phone keeps: the first figures of a sha-256 over all of it."""
    paths = [STATIC / name for name in (*STYLES, *SCRIPTS, *PICTURES)]
    paths += sorted(path for pattern in MADE_OF for path in HERE.glob(pattern))
    return _digest(tuple((path, path.stat().st_mtime_ns) for path in paths if path.exists()))


@lru_cache(4)
def _digest(files: tuple[tuple[Path, int], ...]) -> str:
    found = hashlib.sha256()
    for path, _ in files:
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
