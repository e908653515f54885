"""What a step does with a signature: it may take place only with one, and each serves one step."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from service.errors import Refused
from service.signing.models import Signature

_signature = Signature.__table__


def spend(connection: Any, signature_id: Any, subject: str, meaning: str, person: str, spent_on: str) -> Any:
    """The signature row that this step was done with; it serves no other. Raises Refused without a fitting one."""
    row = connection.execute(
        sa.update(_signature)
        .where(
            _signature.c.id == int(signature_id or 0),
            _signature.c.subject == subject,
            _signature.c.meaning == meaning,
            _signature.c.person == person,
            _signature.c.spent_on.is_(None),
        )
        .values(spent_on=spent_on[:64])
        .returning(_signature)
    ).first()
    if row is None:
        raise Refused(f"{subject} needs your signature for this. Open its page, read it and sign.", "signature")
    return row
