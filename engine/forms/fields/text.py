"""Fixed text of the form's author, between the fields. It is shown as text; no HTML, no expressions."""

from engine.forms.values import Shown


class Field(Shown):
    type = "text"
