"""A telephone that walks a patrol, for the tests of the patrol without network: twelve floors, tags, findings with photos."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.findings.models import Finding, FindingPhoto
from service.patrols.models import PatrolPoint, Submission, Visit
from tests.acceptance.conftest import picture

LEVELS = tuple(range(2, 14))  # twelve floors of building 3
ENTRIES = """async () => {
  const db = await new Promise((ok, no) => { const r = indexedDB.open('zhiban-patrol'); r.onsuccess = () => ok(r.result); r.onerror = no; });
  const all = name => new Promise(ok => { const r = db.transaction(name).objectStore(name).getAll(); r.onsuccess = () => ok(r.result); });
  const entries = await all('entries'), photos = await all('photos');
  const sizes = await Promise.all(photos.map(async p => { const b = await createImageBitmap(p.blob); return [p.blob.type, b.width, b.height]; }));
  db.close();
  return { entries: entries.map(e => ({ id: e.id, sha256: e.sha256, state: e.state, floor: e.floor.id, outcome: e.outcome || '', why: e.why, body: e.body })), photos: photos.map((p, n) => ({ sha256: p.sha256, kind: sizes[n][0], size: sizes[n].slice(1) })) };
}"""

READY = """async () => {
  const late = new Promise((_, no) => setTimeout(() => no(new Error('no service worker')), 15000));
  const work = navigator.serviceWorker;
  await Promise.race([late, work.ready]);
  if (!work.controller) await Promise.race([late, new Promise(ok => work.addEventListener('controllerchange', ok))]);
  await zhibanQueue.hello();
}"""


@dataclass
class Walker:
    """A person who walks with the telephone `page`; `address` is the server's."""

    page: Any
    address: str

    def open_list(self) -> None:
        """As in the office, with a network: the floors of the day are on the phone, and the service worker is at work."""
        self.page.goto(f"{self.address}/patrols")
        self.page.evaluate(READY)

    def scan(self, code: str) -> None:
        """The phone's own camera opens the address on the tag."""
        self.page.goto(f"{self.address}/p/{code}")
        self.page.wait_for_selector("[data-answer=fine]")

    def clean(self) -> int:
        """Every group is fine; gives the number of taps."""
        for _ in range(6):
            self.page.tap("[data-answer=fine]")
        self.page.wait_for_url(f"{self.address}/patrols")
        return 6

    def finds(self, words: str, photo: bytes) -> None:
        """The fourth group has a finding with a photo, the others are fine."""
        for _ in range(3):
            self.page.tap("[data-answer=fine]")
        self.page.tap("[data-answer=finding]")
        self.page.fill("[name=words]", words)
        self.page.set_input_files("#photo", picture("p.jpg", photo))
        self.page.tap("[data-keep-finding]")
        for _ in range(2):
            self.page.tap("[data-answer=fine]")
        self.page.wait_for_url(f"{self.address}/patrols")

    def kept(self) -> dict:
        """What lies on the phone: {"entries": [...], "photos": [...]}."""
        return self.page.evaluate(ENTRIES)

    def wait_until_sent(self, left: int = 0) -> None:
        self.page.wait_for_selector(f"body[data-unsent='{left}']", state="attached", timeout=60_000)


def big_photo(colour: tuple[int, int, int]) -> bytes:
    """A JPEG of 12 megapixels' shape, as a phone takes it; larger than what it sends."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (2400, 1800), colour).save(out, "JPEG")
    return out.getvalue()


def codes(app) -> dict[int, str]:
    """visit id -> code of the tag on its floor, in the order in which the floors are walked."""
    with app.session() as session:
        rows = session.execute(
            sa.select(Visit.id, PatrolPoint.code)
            .join(PatrolPoint, PatrolPoint.floor_id == Visit.floor_id)
            .where(PatrolPoint.retired_at.is_(None))
            .order_by(Visit.position, Visit.id)
        )
        return dict(rows.all())


def arrived(app) -> dict[str, Any]:
    """What the server has: entry id -> hash, visits by state, photos (as sent) by the words of their finding."""
    with app.session() as session:
        entries = dict(session.execute(sa.select(Submission.id, Submission.sha256)).all())
        visits = list(session.scalars(sa.select(Visit).order_by(Visit.position)))
        photos = session.execute(
            sa.select(Finding.words, FindingPhoto.source_sha256).join(Finding, Finding.id == FindingPhoto.finding_id)
        ).all()
        findings = session.scalar(sa.select(sa.func.count()).select_from(Finding))
    return {"entries": entries, "visits": visits, "photos": [tuple(p) for p in photos], "findings": findings}


def hash_of(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
