"""One of the options that the form names, in a list that opens."""

from engine.forms.values import BaseField, chosen


class Field(BaseField):
    type = "select"
    has_options = True

    def clean(self, spec, raw):
        return chosen(spec, raw)
