"""Forms of user tasks: form-js schemas read as data, and the check of what a person sent.

`Form.read(text)` gives a form, `form.validate(values, feel, context)` the cleaned values. How a form looks is left to the
web; one module per field type in `fields/` knows what a value of that type is.
"""

from engine.forms.definition import Component, Form, Option
from engine.forms.faults import FormFault, Unfit

__all__ = ["Component", "Form", "FormFault", "Option", "Unfit"]
