"""Photos of a task's form: stored before the task is completed, so that the form carries only their ids.

Without scripts the files come with the form itself; a page with scripts may have sent them one by one. Either way a second
try of the same form finds the photos that are there already (the service knows a picture by its hash).
"""

from __future__ import annotations

from typing import Any

from flask import g, request

from service.tickets import actions
from webui.gates import service_app

KIND_BY_KEY = {"photo_before": "before", "photo_after": "after"}


def store_for(card, form, values: dict[str, Any]) -> None:
    """Store the files sent for each photo field and put their ids into `values`. Raises PhotoRefused, StorageFull."""
    for spec in form.fields:
        if spec.type != "filepicker":
            continue
        ids = [v for v in values.get(spec.key) or [] if str(v).isdigit()]
        for file in request.files.getlist(spec.key):
            if file and file.filename:
                photo = actions.add_photo(
                    service_app(),
                    g.person,
                    card.task.business_key,
                    file.read(),
                    file.filename,
                    kind=KIND_BY_KEY.get(spec.key, "other"),
                    task_id=card.task.id,
                )
                ids.append(str(photo.id))
        values[spec.key] = ids
