"""One line of text, with the limits, pattern and kinds (mail, phone) that form-js knows."""

import re

from engine.forms.faults import Unfit
from engine.forms.patterns import MAX_TEXT, compiled
from engine.forms.values import MAX_LINE, BaseField, text, within

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]{1,63}(?:\.[^@\s.]{1,63}){1,5}")
_PHONE = re.compile(r"\+?[0-9][0-9 -]{3,18}[0-9](?:(?:转|x|#) ?[0-9]{1,6})?")


class Field(BaseField):
    type = "textfield"

    def clean(self, spec, raw):
        value = text(raw)
        if "\n" in value:
            raise Unfit("one-line")
        value = within(spec, value, MAX_LINE)
        if value and spec.validation_type == "email" and not _EMAIL.fullmatch(value):
            raise Unfit("email")
        if value and spec.validation_type == "phone" and not _PHONE.fullmatch(value):
            raise Unfit("phone")
        return check_pattern(spec, value) or None


def check_pattern(spec, value: str) -> str:
    """`value` if it fits the field's pattern; a pattern is only tried on short texts, so that it cannot run away."""
    if value and spec.pattern and (len(value) > MAX_TEXT or not compiled(spec.pattern).search(value)):
        raise Unfit("pattern")
    return value
