"""Photos: the value is the list of ids under which they were stored before the form was sent."""

import re

from engine.forms.faults import Unfit
from engine.forms.values import BaseField

MAX_PHOTOS = 20
_KEY = re.compile(r"[0-9A-Za-z_-]{16,64}")


class Field(BaseField):
    type = "filepicker"

    def clean(self, spec, raw):
        if raw is None or raw == "":
            return []
        ids = list(dict.fromkeys(_id(value) for value in (raw if isinstance(raw, (list, tuple)) else [raw])))
        most = MAX_PHOTOS if spec.multiple else 1
        if len(ids) > most:
            raise Unfit("too-many", most=most, count=len(ids))
        return ids


def _id(value) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and 0 < len(value) < 16:
        return int(value)
    if isinstance(value, str) and _KEY.fullmatch(value):
        return value
    raise Unfit("photo")
