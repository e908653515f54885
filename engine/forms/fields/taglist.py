"""Any number of the options that the form names, kept in the form's order; picked from a list."""

from engine.forms.values import BaseField, several


class Field(BaseField):
    type = "taglist"
    has_options = True

    def clean(self, spec, raw):
        return several(spec, raw)
