"""Pure decisions about what stands in a cell: codes, floors, phones, yes and no, roles. Nothing is guessed.

Full-width digits and letters, spaces of every kind and the many dashes are taken as what they stand for. An empty cell
means "leave as it is". Whatever cannot be read raises `Unreadable` with the rule it breaks, for `wording`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from service.customers.models import CustomerKind
from service.organisation.models import Role
from service.organisation.rules import phone_digits

_DASHES = re.compile(r"[‐‑‒–—―−~～﹣]")
_SEPARATORS = re.compile(r"[、,，;；/\n\r]+")
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_UNIT_CODE = re.compile(r"[0-9A-Z\u3400-\u9fff]+(-[0-9A-Z\u3400-\u9fff]+)+")
_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,63}")
_FLOOR = re.compile(r"(-|B|负|地下)?(\d{1,3})(层|楼|F|L)?")
_PHONE = re.compile(r"1[3-9]\d{9}|0[1-9]\d{8,10}|[48]00\d{7}|[2-9]\d{6,7}")
_FOREIGN = re.compile(r"\+(?!86)\d{8,15}")
_YES = frozenset({"是", "Y", "YES", "TRUE", "1", "有", "√", "VIP", "在职", "ACTIVE"})
_NO = frozenset({"否", "N", "NO", "FALSE", "0", "无", "×", "X", "离职", "停用", "INACTIVE"})
_KINDS = {
    **dict.fromkeys(("公司", "企业", "单位", "商户", "写字楼", "商铺", "COMPANY"), CustomerKind.COMPANY),
    **dict.fromkeys(("住户", "家庭", "个人", "业主", "住宅", "HOUSEHOLD"), CustomerKind.HOUSEHOLD),
}
ROLE_NAMES = {
    Role.SPECIALIST: ("客服专员", "专员"),
    Role.ASSISTANT: ("客服助理", "助理"),
    Role.CASHIER: ("收费员",),
    Role.SUPERVISOR: ("主管", "客服主管"),
    Role.MANAGER: ("经理",),
    Role.ENGINEERING: ("工程部", "工程", "维修工"),
    Role.ENGINEERING_HEAD: ("工程部主管", "工程主管"),
    Role.SAFETY: ("安环部", "安环"),
    Role.SAFETY_HEAD: ("安环部主管", "安环主管"),
    Role.QUALITY: ("品质部",),
    Role.PROCESS_OWNER: ("制度责任人",),
    Role.ADMIN: ("系统管理员", "管理员"),
}
_ROLES = {name: role for role, names in ROLE_NAMES.items() for name in (str(role).upper(), *names)}


class Unreadable(ValueError):
    """What stands in the cell breaks `rule`; `facts` are what the sentence about it needs."""

    def __init__(self, rule: str, **facts: str | int):
        self.rule, self.facts = rule, facts
        super().__init__(rule)


def plain(text: str) -> str:
    """A text as people meant it: no invisible characters, no spaces around, runs of spaces as one."""
    text = _INVISIBLE.sub("", text.replace("\t", " ").replace("\u3000", " ").replace("\xa0", " "))
    return re.sub(r" {2,}", " ", "\n".join(line.strip() for line in text.splitlines())).strip()


@lru_cache(maxsize=100_000)
def bare(text: str) -> str:
    """What codes and names are compared by: half width, upper case, one kind of dash, no spaces."""
    return re.sub(r"\s", "", _DASHES.sub("-", unicodedata.normalize("NFKC", plain(text)))).upper()


def parts(text: str) -> list[str]:
    """The entries of a cell that holds several: 、 , ; / and new lines part them."""
    return [p.strip() for p in _SEPARATORS.split(text) if p.strip()]


def unit_code(text: str, building_code: str) -> str:
    """The code that staff say: "1201" in building 3 gives "3-1201", "３－１２０１" too."""
    code, before = bare(text), bare(building_code) + "-"
    if "-" not in code:
        code = before + code
    if not code.startswith(before):
        raise Unreadable("code-of-other-building", code=code, building=building_code)
    if not _UNIT_CODE.fullmatch(code) or len(code) > 24:
        raise Unreadable("code-malformed", code=text)
    return building_code + code[len(before) - 1 :]


def floor_level(text: str) -> int:
    """12, 12层, 12F; B1, 负1, -1 for the first basement. There is no floor 0."""
    found = _FLOOR.fullmatch(bare(text))
    level = int(found[2]) * (-1 if found[1] else 1) if found else 0
    if not -9 <= level <= 200 or level == 0:
        raise Unreadable("floor-malformed", text=text)
    return level


def square_metres(text: str) -> float:
    number = (
        re.sub(r"(㎡|M2|平方米|平米|平)$", "", unicodedata.normalize("NFKC", plain(text)).upper())
        .replace(",", "")
        .strip()
    )
    if not re.fullmatch(r"\d{1,7}(\.\d{1,4})?", number) or float(number) == 0:
        raise Unreadable("area-malformed", text=text)
    return float(number)


def phone(text: str) -> str:
    """The digits of one phone. Mobile, landline with or without area code, 400/800; abroad with + and country code."""
    written = re.sub(r"[\s()（）.-]", "", bare(text))
    if "*" in written:
        raise Unreadable("phone-masked", text=text)
    digits = phone_digits(written)
    if re.fullmatch(r"\+?\d+", written) and (_PHONE.fullmatch(digits) or _FOREIGN.fullmatch(written)):
        return digits
    raise Unreadable("phone-malformed", text=text)


def phones(text: str) -> list[str]:
    """The phones of a cell, each once."""
    return list(dict.fromkeys(phone(p) for p in parts(text)))


def yes_or_no(text: str) -> bool:
    word = bare(text)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Unreadable("yes-or-no", text=text)


def customer_kind(text: str) -> CustomerKind:
    try:
        return _KINDS[bare(text)]
    except KeyError:
        raise Unreadable("kind-unknown", text=text) from None


def username(text: str) -> str:
    name = bare(text).lower()
    if not _USERNAME.fullmatch(name):
        raise Unreadable("username-malformed", text=text)
    return name


def role_and_place(text: str) -> tuple[Role, str]:
    """One role and the building it is narrowed to, "" for the whole centre: "客服专员@3座", "客服专员(3座)", "主管"."""
    name, place = text, ""
    if found := re.fullmatch(r"(.+?)\s*(?:[@＠]\s*(.+)|[(（]\s*(.+?)\s*[)）])", text):
        name, place = found[1], found[2] or found[3]
    try:
        return _ROLES[bare(name)], place.strip()
    except KeyError:
        raise Unreadable("role-unknown", text=name) from None
