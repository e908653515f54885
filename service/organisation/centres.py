"""What the clock does centre by centre."""

from __future__ import annotations

import logging
from collections.abc import Callable

import sqlalchemy as sa

from service.organisation.models import Centre

log = logging.getLogger("zhiban.clock")


def in_each(app, do: Callable[[int], int]) -> int:
    """The sum of what `do` gives for the id of each active centre. One that fails keeps no other from its turn."""
    with app.session() as session:
        centres = session.scalars(sa.select(Centre.id).where(Centre.active).order_by(Centre.id)).all()
    return sum(_done(do, centre) for centre in centres)


def _done(do: Callable[[int], int], centre: int) -> int:
    try:
        return do(centre)
    except Exception:
        log.exception("%s failed in centre %s; it runs again at its next turn", do, centre)
        return 0
