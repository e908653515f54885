"""What service tasks of a diagram can call: one module per family, each operation a thin call into an area's steps.

`registry` holds them all by name; `functions` are the FEEL functions of the domain. Families are discovered.
"""

from __future__ import annotations

import importlib
import pkgutil

from engine.operations import Registry

registry = Registry()

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

from service.operations.functions import FUNCTIONS as functions

__all__ = ["functions", "registry"]
