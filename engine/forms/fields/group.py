"""Fields under one heading. A group is for the eye: its fields' keys are flat, its hide condition covers them all."""

from engine.forms.values import Shown


class Field(Shown):
    type = "group"
