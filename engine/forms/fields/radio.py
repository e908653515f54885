"""One of the options that the form names, all of them in sight."""

from engine.forms.values import BaseField, chosen


class Field(BaseField):
    type = "radio"
    has_options = True

    def clean(self, spec, raw):
        return chosen(spec, raw)
