"""What a clause of the operating procedure says, in one line, for "why am I seeing this".

Chinese titles as in the procedure's own table; the English ones are ours. A clause without an entry shows only its number.
"""

from __future__ import annotations

from webui.i18n import gettext, listed


def title(clause: str | None) -> str:
    """The titles of the clauses named ("4,8" names two), in one line. Empty for none."""
    return listed(*(TITLES[c]() for c in (part.strip() for part in (clause or "").split(",")) if c in TITLES))


TITLES = {
    "1": lambda: gettext("目的"),
    "3": lambda: gettext("经理对一站式服务的结果负责"),
    "4": lambda: gettext("接到的人全程负责到回访"),
    "5": lambda: gettext("专员按楼栋负责"),
    "7": lambda: gettext("收费职责"),
    "8": lambda: gettext("各部门及时响应，服从统一派单"),
    "9": lambda: gettext("主动接待"),
    "10": lambda: gettext("按客户需要办理"),
    "11": lambda: gettext("分类登记，项目填全"),
    "12": lambda: gettext("解决不了先让上级知道，逐级上报，不推诿"),
    "15": lambda: gettext("忙不过来互相支援"),
    "16": lambda: gettext("熟悉客户"),
    "23.1": lambda: gettext("每日巡查，发现问题即时通知部门，跟进到处理完"),
    "23.2": lambda: gettext("巡查内容六项"),
    "24.7": lambda: gettext("三声内接听，漏接要回"),
    "24.8": lambda: gettext("班后自查当天登记"),
    "24.9": lambda: gettext("日审周检"),
    "25.1": lambda: gettext("交班"),
}
