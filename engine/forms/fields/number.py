"""A number: int where it is whole, else float with the places the field allows. Money is yuan with two places."""

from engine.forms.faults import Unfit
from engine.forms.values import BaseField, decimal


class Field(BaseField):
    type = "number"

    def clean(self, spec, raw):
        if raw is None or isinstance(raw, str) and not raw.strip():
            return None
        try:
            value = decimal(raw)
        except ValueError:
            raise Unfit("number") from None
        places = max(0, -value.normalize().as_tuple().exponent)
        if spec.decimals is not None and places > spec.decimals:
            raise Unfit("decimals", most=spec.decimals) if spec.decimals else Unfit("whole")
        if spec.min is not None and value < decimal(spec.min):
            raise Unfit("min", least=spec.min)
        if spec.max is not None and value > decimal(spec.max):
            raise Unfit("max", most=spec.max)
        return int(value) if places == 0 else float(value)
