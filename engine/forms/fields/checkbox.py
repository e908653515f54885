"""Yes or no. Required means: it has to be ticked."""

from engine.forms.faults import Unfit
from engine.forms.values import BaseField

_YES = ("on", "true", "1")
_NO = ("", "off", "false", "0")


class Field(BaseField):
    type = "checkbox"

    def clean(self, spec, raw):
        if raw is None or raw is False or isinstance(raw, str) and raw in _NO:
            return False
        if raw is True or isinstance(raw, str) and raw in _YES:
            return True
        raise Unfit("kind")

    def empty(self, value) -> bool:
        return value is not True
