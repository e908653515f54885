"""Pure decisions about places and people: how a unit is written, which roles sit at the desk, who heads what."""

from __future__ import annotations

import re

from service.organisation.models import Role

DESK = frozenset({Role.SPECIALIST, Role.ASSISTANT, Role.CASHIER})
LEAD = frozenset({Role.SUPERVISOR, Role.MANAGER})
DEPARTMENT_OF = {  # role -> the department whose slips it works on
    Role.ENGINEERING: "engineering",
    Role.ENGINEERING_HEAD: "engineering",
    Role.SAFETY: "safety",
    Role.SAFETY_HEAD: "safety",
}
HEADS = frozenset({Role.ENGINEERING_HEAD, Role.SAFETY_HEAD})
COMPANY_WIDE = frozenset({Role.QUALITY, Role.PROCESS_OWNER, Role.ADMIN})


def unit_shorthand(text: str) -> str:
    """The bare form of a unit that people type: digits and letters only, "3座 12-01" and "3-1201" both give "31201"."""
    return re.sub(r"[^0-9a-z]", "", text.lower())


def head_group(department: str) -> str:
    """The group that heads a department: "engineering" gives "engineering-head"; the desk's head is the supervisor."""
    if department in ("engineering", "safety"):
        return f"{department}-head"
    return str(Role.SUPERVISOR)


def phone_digits(text: str) -> str:
    """A phone number as digits only, without the country code of China."""
    digits = re.sub(r"\D", "", text)
    return digits[2:] if digits.startswith("86") and len(digits) == 13 else digits
