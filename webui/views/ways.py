"""Where a person wants notices beyond the application, as a form: an address, and for each kind at once, together, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.notifications import preferences
from service.notifications.rules import AT_ONCE, DIGEST, NEVER
from webui.gates import service_app
from webui.i18n import gettext

CHANNEL = "mail"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of notice: its name, and what holds for it."""

    kind: str
    name: str
    way: str


@dataclass(frozen=True, slots=True)
class Page:
    address: str
    wanted: bool
    refused: bool
    rows: tuple[Row, ...]
    ways: tuple[tuple[str, str], ...]
    times: str
    wrong: bool = False


def offered() -> bool:
    """Whether this installation sends mail."""
    return CHANNEL in preferences.channels_of(service_app().settings)


def page(person) -> Page | None:
    """The form as it stands; None where no mail is sent."""
    choice = next((c for c in preferences.choices(person) if c.channel == CHANNEL), None)
    if choice is None:
        return None
    rows = tuple(Row(kind, name, choice.ways[kind]) for kind, name in _names().items())
    times = " ".join(service_app().settings.digest_times)
    wanted = choice.wanted or not choice.address
    return Page(choice.address, wanted, choice.refused_at is not None, rows, _ways(), times)


def keep(person, form) -> None:
    """Store what the form says. Raises Refused where the address cannot be one."""
    ways = {kind: form[f"way-{kind}"] for kind in _names() if f"way-{kind}" in form}
    address = form.get("address", "")[:300]
    preferences.choose(service_app(), person, CHANNEL, address, wanted="wanted" in form, ways=ways)


def again(shown: Page, form) -> Page:
    """The form as it was sent, with its fault."""
    rows = tuple(replace(row, way=form.get(f"way-{row.kind}", row.way)) for row in shown.rows)
    return replace(shown, address=form.get("address", "")[:300], wanted="wanted" in form, rows=rows, wrong=True)


def _ways() -> tuple[tuple[str, str], ...]:
    return ((AT_ONCE, gettext("马上发")), (DIGEST, gettext("攒着一起发")), (NEVER, gettext("不发")))


def _names() -> dict[str, str]:
    return {
        "slip-sent": gettext("派来新单"),
        "given-to-you": gettext("指定归我办"),
        "reminder": gettext("快到时限"),
        "urgency-changed": gettext("缓急改了"),
        "deadline-changed": gettext("客户改了时间"),
        "paused": gettext("先停一停"),
        "resumed": gettext("接着办"),
        "promise-due": gettext("快到答应的时间"),
        "urge": gettext("客户又催"),
        "escalated": gettext("升级到我"),
        "asked": gettext("部门有疑问"),
        "back": gettext("没通过核实"),
        "withdrawn": gettext("客户撤单"),
        "handled": gettext("办完等核实"),
        "information": gettext("客户补充情况"),
        "answered": gettext("上级答复"),
        "finding-new": gettext("巡查发现问题"),
        "finding-fixed": gettext("问题改好等复查"),
        "finding-back": gettext("复查没通过"),
        "patrol-missed": gettext("漏巡"),
        "handover-begins": gettext("快到交班"),
        "handover-given": gettext("交班表已签，等我接"),
        "handover-taken": gettext("班已经接了"),
        "handover-differs": gettext("交接对不上"),
        "handover-settled": gettext("主管定了差异"),
        "handover-late": gettext("到点没接班"),
        "check-due": gettext("下班前核对"),
        "check-late": gettext("下班前没核对"),
        "leave-cover": gettext("请我顶岗"),
        "leave-begins": gettext("有人离岗"),
        "leave-refused": gettext("离岗没同意"),
        "leave-late": gettext("离岗没按时回"),
        "leave-over": gettext("离岗回来了"),
    }
