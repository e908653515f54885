"""Excel files on the screens: the file of a list, and what an import says before and after. Which lists there are: `listings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import g, url_for

from service.exchange import exporting, importing, wording
from service.exchange.columns import OF
from service.exchange.models import ImportRun, Kind, RunState
from service.organisation.models import Centre
from service.organisation.queries import names_of
from webui import people
from webui.filters import local, when
from webui.gates import service_app
from webui.i18n import colon, gettext, language, listed
from webui.views.listings import LISTS, MOST, Args, stamp

# --- lists out --------------------------------------------------------------------------------------------------------


def file_of(key: str, args: Args):
    """(open file, its name) of a list as its screen shows it to this person. Raises TooManyExports."""
    listing, columns = LISTS[key], LISTS[key].columns()
    title, now = listing.title(args), service_app().clock.now()
    rows = ([column.text(row) for column in columns] for row in listing.rows(args))
    heads = [(column.name, column.width) for column in columns]

    def about(count: int) -> list[tuple[str, str]]:
        facts = [
            (gettext("列表"), title),
            (gettext("导出人"), g.person.name),
            (gettext("导出时间"), stamp(now)),
            (gettext("行数"), str(count)),
        ]
        return facts + ([(gettext("没导全"), gettext("最多 %(n)d 行", n=MOST))] if count >= MOST else [])

    out, _ = exporting.take_out(
        service_app(), g.person, key, title, heads, rows, about, gettext("说明"), listing.filter(args)
    )
    return out, f"{title} {local(now):%Y%m%d-%H%M}.xlsx"


# --- files in ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KindView:
    """One kind of file that the person may bring in, and where to."""

    key: str
    name: str
    hint: str
    centres: list[Centre]


def kind_name(kind: Kind | str) -> str:
    return {"units": gettext("单元和客户"), "people": gettext("员工")}[str(kind)]


def kinds(person) -> list[KindView]:
    """What the person may bring in; empty for most people."""
    hints = {
        Kind.UNITS: gettext("楼栋要先有。同一个文件导两次，不会多出来；空着的格子不改原来的"),
        Kind.PEOPLE: gettext("角色只加不减。新员工凭一次性码设密码；手上有活的不能停用"),
    }
    found = []
    for kind in Kind:
        if centres := importing.centres_for(person, kind):
            found.append(KindView(str(kind), kind_name(kind), hints[kind], centres))
    return found


@dataclass(frozen=True, slots=True)
class RunView:
    """One import, checked or done."""

    key: str
    kind: str
    what: str
    centre: str
    file: str
    who: str
    at: datetime
    state: str
    state_words: str
    sums: list[tuple[str, int]]
    besides: str
    faults: list[dict]
    more_faults: int
    unread: str
    href: str
    applied_at: datetime | None


def runs(person) -> list[RunView]:
    found = importing.runs(person)
    people.names().update(names_of(g.session, [r.by for r in found]))
    return [run_view(r) for r in found]


def run_view(run: ImportRun) -> RunView:
    details = run.details
    return RunView(
        run.key,
        str(run.kind),
        kind_name(run.kind),
        g.session.get_one(Centre, run.centre_id).name,
        run.file_name,
        people.name_of(run.by),
        run.at,
        str(run.state),
        _state(run),
        [
            (gettext("新的"), run.new),
            (gettext("有改动"), run.changed),
            (gettext("没变"), run.unchanged),
            (gettext("有错"), run.bad),
        ],
        _besides(details.get("besides", {})),
        [_fault(run.kind, fault) for fault in details.get("faults", [])],
        max(0, run.bad - len({fault["row"] for fault in details.get("faults", [])})),
        listed(*details.get("unread", []), items=True),
        url_for("exchange.show", key=run.key),
        run.applied_at,
    )


def _state(run: ImportRun) -> str:
    if run.state is RunState.APPLIED:
        return gettext("%(at)s 导入了", at=when(run.applied_at))
    return gettext("有错，没导入") if run.state is RunState.FAULTY else gettext("检查过，还没导入")


def _besides(counts: dict[str, int]) -> str:
    names = {
        "floors": gettext("新楼层"),
        "customers": gettext("新客户"),
        "contacts": gettext("新联系人"),
        "left": gettext("搬走的客户"),
    }
    return listed(*(f"{names[key]} {count}" for key, count in counts.items()))


def _fault(kind: Kind, fault: dict) -> dict:
    names = {column.key: column.name(language()) for column in OF[kind]}
    return {
        "row": fault["row"],
        "column": names.get(fault["column"], fault["column"]),
        "text": wording.of_row(fault["rule"], fault["facts"], language()),
    }


def refused(error) -> str:
    """What is wrong with a file as a whole, in the reader's language."""
    return wording.of_file(error.rule, error.facts, language())


def told_of(run: ImportRun) -> str:
    """新的 3，有改动 1，没变 20"""
    sums = listed(*(f"{name} {count}" for name, count in run_view(run).sums[:3]))
    return gettext("%(what)s导入了", what=kind_name(run.kind)) + colon() + sums
