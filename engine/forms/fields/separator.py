"""A line between parts of a form."""

from engine.forms.values import Shown


class Field(Shown):
    type = "separator"
