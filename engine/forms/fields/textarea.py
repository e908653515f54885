"""Text of several lines."""

from engine.forms.values import MAX_TEXT, BaseField, text, within


class Field(BaseField):
    type = "textarea"

    def clean(self, spec, raw):
        return within(spec, text(raw), MAX_TEXT) or None
