"""The screens' words for the domain's values. One place, so that a list, a page and a chip say the same."""

from __future__ import annotations

from flask import g

from webui.i18n import by_language, gettext, language


def category(value) -> str:
    return categories().get(str(value), str(value))


@by_language
def categories() -> dict[str, str]:
    return {
        "delivery": gettext("交付"),
        "renovation": gettext("装修"),
        "repair": gettext("报修"),
        "complaint": gettext("投诉"),
        "fees": gettext("费用"),
        "enquiry": gettext("咨询"),
        "praise": gettext("表扬"),
        "other": gettext("其他"),
    }


def channel(value) -> str:
    return channels().get(str(value), str(value))


@by_language
def channels() -> dict[str, str]:
    return {
        "phone": gettext("电话"),
        "visit": gettext("来访"),
        "missed-call": gettext("漏接回电"),
        "patrol": gettext("巡查发现"),
        "colleague": gettext("同事转来"),
        "customer-page": gettext("客户自己填"),
    }


def planned(kind) -> str:
    """What starts by itself, by its kind in the timetable."""
    return {
        "patrol": gettext("巡查"),
        "duty-round": gettext("岗位值守"),
        "workplace-check": gettext("现场环境检查"),
        "handover": gettext("交接班"),
        "end-of-day-check": gettext("班后自查"),
        "daily-review": gettext("日审"),
        "weekly-review": gettext("周检"),
    }.get(str(kind), str(kind))


def urgency(value) -> str:
    return {"normal": gettext("一般"), "urgent": gettext("紧急")}.get(str(value), str(value))


def expectation(value) -> str:
    return expectations().get(str(value), str(value))


@by_language
def expectations() -> dict[str, str]:
    return {
        "come-now": gettext("马上来人"),
        "call-back": gettext("给个回话"),
        "appointment": gettext("约时间"),
        "note-only": gettext("记下就行"),
    }


def ticket_state(value) -> str:
    return ticket_states().get(str(value), str(value))


@by_language
def ticket_states() -> dict[str, str]:
    return {
        "registered": gettext("已登记"),
        "dispatched": gettext("已派单，还没人接"),
        "in-hand": gettext("在办"),
        "handled": gettext("办完，等核实"),
        "visiting": gettext("等回访"),
        "closed": gettext("已关"),
        "withdrawn": gettext("客户撤单"),
        "merged": gettext("并到别的单"),
    }


def slip_state(value) -> str:
    return slip_states().get(str(value), str(value))


@by_language
def slip_states() -> dict[str, str]:
    return {
        "sent": gettext("派出"),
        "asked": gettext("有疑问"),
        "accepted": gettext("已接"),
        "arrived": gettext("到场"),
        "handled": gettext("办完"),
        "back": gettext("返工"),
        "verified": gettext("核实"),
        "not-solved": gettext("解决不了"),
        "cancelled": gettext("停办"),
    }


def target(value) -> str:
    return targets().get(str(value), str(value))


@by_language
def targets() -> dict[str, str]:
    return {
        "response": gettext("接单"),
        "arrival": gettext("到场"),
        "resolution": gettext("办完"),
        "return-visit": gettext("回访"),
    }


@by_language
def pause_reasons() -> dict[str, str]:
    return {
        "customer-away": gettext("客户不在"),
        "part-on-order": gettext("等配件"),
        "third-party": gettext("等第三方"),
        "appointment": gettext("约了时间"),
    }


def pause_reason(value) -> str:
    return pause_reasons().get(str(value), str(value))


def photo(value) -> str:
    return {"before": gettext("修前"), "after": gettext("修后"), "other": gettext("照片")}.get(str(value), str(value))


def role(value) -> str:
    return roles().get(str(value), str(value))


@by_language
def roles() -> dict[str, str]:
    return {
        "specialist": gettext("客服专员"),
        "assistant": gettext("客服助理"),
        "cashier": gettext("收费员"),
        "supervisor": gettext("主管"),
        "manager": gettext("经理"),
        "engineering": gettext("工程部"),
        "engineering-head": gettext("工程部主管"),
        "safety": gettext("安环部"),
        "safety-head": gettext("安环部主管"),
        "quality": gettext("品质部"),
        "process-owner": gettext("制度责任人"),
        "admin": gettext("系统管理员"),
    }


def department(key: str | None) -> str:
    """A department's own name where the table of departments has it, else the word for its role."""
    if not key:
        return ""
    if "departments" not in g:
        from service.organisation.queries import departments

        g.departments = {d.key: d for d in departments(g.session)}
    known = g.departments.get(key)
    if known:
        return known.name_en if language() == "en" and known.name_en else known.name
    return {"specialist-team": gettext("客服组")}.get(key) or role(key)


# What the main button of a task says: the verb, not "submit". Others say the task's own name.
BUTTONS = {
    "register": lambda: gettext("保存"),
    "dispatch": lambda: gettext("派单"),
    "accept_slip": lambda: gettext("接单"),
    "answer_question": lambda: gettext("答复"),
    "arrive": lambda: gettext("到场了"),
    "handle": lambda: gettext("办完了"),
    "handle_on_the_spot": lambda: gettext("现场办完"),
    "verify": lambda: gettext("核实"),
    "return_visit": lambda: gettext("记回访"),
    "sign_off": lambda: gettext("签了"),
    "resume": lambda: gettext("继续办"),
    "answer_supervisor": lambda: gettext("答复"),
    "answer_manager": lambda: gettext("答复"),
    "answer_quality": lambda: gettext("答复"),
}


def button(element_id: str, name: str) -> str:
    return BUTTONS[element_id]() if element_id in BUTTONS else name


# Tasks whose main button says what was picked in this field: 接单, 要问一句, 办不了，上报.
SAYS = {"accept_slip": "answer"}
