"""The field types: one module each, found by its name, each with a class `Field`.

A Field knows its type name, turns what was sent into a value (`clean`, raising Unfit) and says whether a value counts as
not given (`empty`). Whether it was required is asked elsewhere. A new type is a module here and a template of the same
name in the web; a contract test pairs the two.
"""

from __future__ import annotations

import importlib
import pkgutil

from engine.forms.values import BaseField


def _discovered() -> dict[str, BaseField]:
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    return {module.Field.type: module.Field() for module in modules}


FIELDS: dict[str, BaseField] = _discovered()
