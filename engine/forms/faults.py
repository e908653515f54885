"""What can be wrong with a value of a form: one rule id, one text in Chinese, one in English.

A `FormFault` is what `FormInvalid.faults` holds for each field; as text it is Chinese, `.en` is English. A new rule is a
line in RULES, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RULES: dict[str, tuple[str, str]] = {
    "required": ("这一项要填。", "This has to be filled in."),
    "ticked": ("要勾选才能提交。", "This has to be ticked."),
    "unknown": ("表单里没有这一项，请刷新页面再提交。", "The form has no such field; reload the page and send again."),
    "refused-name": ("内容里有不允许的名称 {name}。", "The value contains the name {name}, which is not allowed."),
    "kind": ("内容的格式不对，请重新填写。", "The value has the wrong form; fill it in again."),
    "characters": ("内容里有不能显示的字符，请重新输入。", "The text contains characters that cannot be shown; type it again."),
    "one-line": ("只能填一行。", "Only one line is allowed here."),
    "min-length": ("至少 {least} 个字，现在 {count} 个。", "At least {least} characters; now {count}."),
    "max-length": ("最多 {most} 个字，现在 {count} 个。", "At most {most} characters; now {count}."),
    "pattern": ("格式不对，请检查后重填。", "The form is not right; check it and type it again."),
    "email": ("邮箱地址不对，例如 lin@example.com。", "This is no mail address; write it like lin@example.com."),
    "phone": ("电话号码不对，例如 13800138000 或 021-61234567。", "This is no phone number; write 13800138000 or 021-61234567."),
    "number": ("要填数字，例如 12 或 12.5。", "Write a number, such as 12 or 12.5."),
    "whole": ("要填整数。", "Write a whole number."),
    "decimals": ("小数最多 {most} 位。", "At most {most} decimal places."),
    "min": ("不能小于 {least}。", "Not less than {least}."),
    "max": ("不能大于 {most}。", "Not more than {most}."),
    "option": ("请在给出的选项里选。", "Pick one of the options given."),
    "date": ("日期不对，例如 2025-12-01。", "This is no date; write it like 2025-12-01."),
    "time": ("时间不对，例如 17:20。", "This is no time; write it like 17:20."),
    "instant": ("日期和时间不对，例如 2025-12-01 17:20。", "This is no date and time; write it like 2025-12-01 17:20."),
    "past": ("时间已经过去，请选以后的时间。", "This time has passed; pick a later one."),
    "photo": ("照片没有传上来，请重新选择。", "The photo did not arrive; pick it again."),
    "too-many": ("最多 {most} 个，现在 {count} 个。", "At most {most}; now {count}."),
}


@dataclass(frozen=True, slots=True)
class FormFault:
    """One broken rule. `message_zh` and `message_en` replace the rule's text where the form's author wrote one."""

    rule: str
    params: dict[str, Any] = field(default_factory=dict)
    message_zh: str = ""
    message_en: str = ""

    @property
    def zh(self) -> str:
        return self.message_zh or RULES[self.rule][0].format(**self.params)

    @property
    def en(self) -> str:
        return self.message_en or self.message_zh or RULES[self.rule][1].format(**self.params)

    def __str__(self) -> str:
        return self.zh


class Unfit(ValueError):
    """A field cannot take a value. `fault` says which rule it breaks; show it at the field."""

    def __init__(self, rule: str, **params: Any):
        self.fault = FormFault(rule, params)
        super().__init__(self.fault.zh)
