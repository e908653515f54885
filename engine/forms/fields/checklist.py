"""Any number of the options that the form names, kept in the form's order."""

from engine.forms.values import BaseField, several


class Field(BaseField):
    type = "checklist"
    has_options = True

    def clean(self, spec, raw):
        return several(spec, raw)
