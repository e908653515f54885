"""Pure decisions about personal data on lists: how a phone number and a name look masked (PIPL 51)."""

from __future__ import annotations


def masked_phone(digits: str) -> str:
    """138****2046; a landline keeps area code and last four: 021-****3320; anything short keeps its last two."""
    if len(digits) == 11 and digits.startswith("1"):
        return f"{digits[:3]}****{digits[-4:]}"
    if len(digits) >= 10 and digits.startswith("0"):
        area = 3 if digits[1] in "12" else 4
        return f"{digits[:area]}-****{digits[-4:]}"
    return "*" * max(0, len(digits) - 2) + digits[-2:]


def masked_name(name: str) -> str:
    """张**: the family name stays."""
    return name[:1] + "*" * max(1, len(name) - 1) if name else ""
