"""A procedure to read: diagram, decision tables as tables, forms as lists of fields, control sheet, the owner's README."""

from __future__ import annotations

import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from flask import url_for
from lxml import etree

from engine import cycles
from webui import forms, people, words
from webui.filters import when
from webui.gates import service_app
from webui.i18n import gettext, language, listed
from webui.views import diagram as diagrams
from webui.views.story import element_name, procedure_name

DMN = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"
SHEET = ("code", "name", "status", "tier", "department", "original_department", "drawn_up", "abolished", "owner")


def rows(editions: list) -> list[SimpleNamespace]:
    people.know([e.deployed_by for e in editions])
    return [_row(e) for e in editions]


def page(edition) -> SimpleNamespace:
    definition = _definition(edition)
    procedure = definition.procedure
    return SimpleNamespace(
        edition=_row(edition),
        tables=[t for content in procedure.decisions.values() for t in _tables(content, procedure.translations or {})],
        forms=[_form(form, definition) for form in procedure.forms.values()],
        tasks=_tasks(definition),
        timers=_timers(definition),
        sheet=_sheet(procedure.control_sheet or {}),
        revisions=(procedure.control_sheet or {}).get("revisions") or [],
        readme=blocks(procedure.readme or ""),
        diagram={
            "xml": url_for("procedures.diagram", procedure=edition.key, version=edition.hash),
            "state": url_for("procedures.state", procedure=edition.key, version=edition.hash),
            "words": gettext("%(name)s的流程图，步骤在下面的表里", name=procedure_name(definition)),
        },
    )


def diagram_xml(edition) -> bytes:
    procedure = _definition(edition).procedure
    xml = next(content for name, content in procedure.files.items() if name.endswith(".bpmn"))
    names = (procedure.translations or {}).get("elements") if language() == "en" else None
    return diagrams.renamed(xml, names) if names else xml


def state(edition, standing: dict[str, int]) -> dict:
    tokens = [{"element": e, "face": "", "text": str(n), "kind": "num plain"} for e, n in sorted(standing.items())]
    return {"done": [], "now": [], "late": [], "tokens": tokens, "version": edition.hash}


# --- parts ------------------------------------------------------------------------------------------------------------


def _definition(edition):
    return service_app().engine.definition(edition.hash)


def _row(edition) -> SimpleNamespace:
    return SimpleNamespace(
        name=procedure_name(_definition(edition)),
        key=edition.key,
        version=gettext("第 %(n)d 版", n=edition.version),
        in_force=edition.in_force,
        since=gettext("%(at)s 起", at=when(edition.deployed_at)),
        by=people.name_of(edition.deployed_by),
        running=edition.running,
        href=url_for("procedures.show", procedure=edition.key)
        if edition.in_force
        else url_for("procedures.version", procedure=edition.key, version=edition.hash),
        hash=f"{edition.hash[:4]}…{edition.hash[-4:]}",
        older=[_row(e) for e in edition.older],
    )


def _tasks(definition) -> list[SimpleNamespace]:
    """The user tasks: what, who, by which form, which clause."""
    return [
        SimpleNamespace(
            name=element_name(definition, e.id),
            who=_who(e),
            form=e.form or "",
            clause=e.properties.get("clause", ""),
        )
        for e in definition.diagram.elements.values()
        if e.kind == "userTask"
    ]


def _timers(definition) -> list[SimpleNamespace]:
    """The timers: when they are due, and of a cycle that is written out the next ten turns."""
    return [
        SimpleNamespace(
            name=element_name(definition, e.id),
            says=_says(e.event.expression or ""),
            next=[when(at) for at in _turns(e.event)],
        )
        for e in definition.diagram.elements.values()
        if e.event.kind == "timer"
    ]


def _says(expression: str) -> str:
    """A timer's time as it was written: a literal without its FEEL clothes."""
    literal = re.fullmatch(r'(?:duration|date and time)?\(?"([^"]*)"\)?', expression)
    return literal[1] if literal else expression


def _turns(event) -> list[datetime]:
    if event.timer != "cycle":
        return []
    engine, text = service_app().engine, _says(event.expression or "")
    try:
        return cycles.firings(f"R/{text}" if text.startswith("P") else text, engine.clock.now(), engine.zone)
    except cycles.BadCycle:  # depends on the case
        return []


def _who(element) -> str:
    """Roles and persons of a task in words; what only the running instance knows stays as its expression."""
    known = {"owner": gettext("负责人"), "worker": gettext("接单时指定的人"), "department": gettext("派到的部门")}
    found = []
    for expression in (element.assignee, element.groups):
        expression = (expression or "").strip().removeprefix("=").strip()
        roles = re.findall(r'"([^"]+)"', expression)
        if roles:
            found += [words.role(r.strip()) for text in roles for r in text.split(",")]
        elif expression:
            found.append(known.get(expression, expression))
    return listed(*found, items=True)


def _form(form, definition) -> SimpleNamespace:
    return SimpleNamespace(
        id=form.id,
        fields=[
            SimpleNamespace(
                label=f.label or f.key,
                required=f.required,
                kind=_kind(f.type),
                options=listed(*(o.label for o in f.options), items=True),
                hint=f.description,
                hides=bool(f.hides),
            )
            for f in forms.localized(form, definition).fields
        ],
    )


def _kind(type_: str) -> str:
    return {
        "textfield": gettext("一行字"),
        "textarea": gettext("几行字"),
        "number": gettext("数字"),
        "select": gettext("选一个"),
        "radio": gettext("选一个"),
        "checkbox": gettext("勾"),
        "checklist": gettext("勾几个"),
        "taglist": gettext("选几个"),
        "datetime": gettext("日期时间"),
        "filepicker": gettext("照片"),
    }.get(type_, type_)


def _tables(content: bytes, translations: dict[str, Any]) -> list[SimpleNamespace]:
    """Every decision of one DMN file: a table as rows of cells, anything else as its expression."""
    tree = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    return [
        _decision(d, (translations.get("decisions") or {}).get(d.get("id")) or {}) for d in tree.iter(f"{DMN}decision")
    ]


def _decision(decision, english: dict[str, Any]) -> SimpleNamespace:
    english = english if language() == "en" else {}
    table = decision.find(f"{DMN}decisionTable")
    name = english.get("name") or decision.get("name") or decision.get("id")
    if table is None:
        texts = [t.text for t in decision.iter(f"{DMN}text") if t.text]
        return SimpleNamespace(name=name, policy="", heads=[], inputs=0, rules=[], text="\n".join(texts))
    inputs, outputs = table.findall(f"{DMN}input"), table.findall(f"{DMN}output")
    said = english.get("values") or {}
    return SimpleNamespace(
        name=name,
        policy=_policy(table.get("hitPolicy") or "UNIQUE"),
        heads=[_head(i, english.get("inputs") or {}) for i in inputs]
        + [_head(o, english.get("outputs") or {}) for o in outputs],
        inputs=len(inputs),
        rules=[_rule(r, said, len(inputs)) for r in table.findall(f"{DMN}rule")],
        text="",
    )


def _head(column, english: dict[str, str]) -> str:
    expression = column.findtext(f"{DMN}inputExpression/{DMN}text") or column.get("name") or ""
    return english.get(expression) or column.get("label") or expression


def _rule(rule, said: dict[str, str], inputs: int) -> SimpleNamespace:
    cells = [c.findtext(f"{DMN}text") or "" for c in rule if c.tag in (f"{DMN}inputEntry", f"{DMN}outputEntry")]
    return SimpleNamespace(
        cells=[_cell(text, said, i < inputs) for i, text in enumerate(cells)],
        note=rule.findtext(f"{DMN}description") or "",
    )


def _cell(text: str, said: dict[str, str], asks: bool) -> str:
    """A cell as people read it: an empty question is any value, a quoted word goes without its quotes."""
    text = text.strip()
    if text in ("", "-"):
        return gettext("任何") if asks else "–"
    if text == "null":
        return "–"
    if text in ("true", "false"):
        return gettext("是") if text == "true" else gettext("否")
    return re.sub(r'"([^"]*)"', lambda m: _word(m[1], said), text)


def _word(value: str, said: dict[str, str]) -> str:
    if value in said:
        return said[value]
    for words_of in (words.category, words.urgency, words.role):
        if (text := words_of(value)) != value:
            return text
    return {"business": gettext("营业时间"), "round-the-clock": gettext("全天计时")}.get(value, value)


def _policy(policy: str) -> str:
    return {
        "FIRST": gettext("从上往下第一条对得上的算数"),
        "UNIQUE": gettext("只会对上一条"),
        "ANY": gettext("对上几条，结果都一样"),
        "COLLECT": gettext("对上的都算"),
        "RULE ORDER": gettext("对上的按顺序都算"),
    }.get(policy, policy)


def _sheet(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    names = {
        "code": gettext("编号"),
        "name": gettext("名称"),
        "status": gettext("状态"),
        "tier": gettext("层级"),
        "department": gettext("归口部门"),
        "original_department": gettext("起草部门"),
        "drawn_up": gettext("起草时间"),
        "abolished": gettext("废止时间"),
        "owner": gettext("责任人"),
    }
    states = {
        "draft": gettext("草稿"),
        "in-force": gettext("在用"),
        "superseded": gettext("已被替代"),
        "abolished": gettext("已废止"),
    }
    said = sheet | {
        "owner": people.name_of(str(sheet.get("owner") or "")),
        "status": states.get(str(sheet.get("status")), sheet.get("status")),
    }
    found = [(names[key], str(said[key])) for key in SHEET if said.get(key)]
    if clauses := sheet.get("clauses"):
        found.append((gettext("条款"), listed(*map(str, clauses), items=True)))
    return found


# --- the README: headings, lists, tables and paragraphs, as text nodes only -------------------------------------------


def blocks(text: str) -> list[SimpleNamespace]:
    """Markdown as far as procedures use it. Anything else stays as it is written; nothing becomes markup."""
    found, lines = [], text.splitlines()
    while lines:
        line = lines.pop(0).rstrip()
        if not line.strip():
            continue
        if head := re.match(r"(#+)\s+(.*)", line):
            found.append(SimpleNamespace(kind="head", text=_plain(head[2]), level=len(head[1])))
        elif line.startswith("|"):
            table = [line, *_while(lines, lambda x: x.startswith("|"))]
            cells = [[_plain(c.strip()) for c in row.strip("|").split("|")] for row in table]
            found.append(
                SimpleNamespace(
                    kind="table", head=cells[0], rows=[r for r in cells[1:] if not set("".join(r)) <= set("-: ")]
                )
            )
        elif re.match(r"[-*]\s", line):
            items = [line[2:]]
            for more in _while(lines, lambda x: bool(x.strip()) and not x.startswith(("#", "|"))):
                if re.match(r"[-*]\s", more):
                    items.append(more[2:])
                else:
                    items[-1] += more.strip()
            found.append(SimpleNamespace(kind="list", items=[_plain(i) for i in items]))
        else:
            rest = _while(lines, lambda x: bool(x.strip()) and not re.match(r"#+\s|\||[-*]\s", x))
            found.append(SimpleNamespace(kind="text", text=_plain("".join([line, *(r.strip() for r in rest)]))))
    return found


def _while(lines: list[str], fits) -> list[str]:
    found = []
    while lines and fits(lines[0]):
        found.append(lines.pop(0).rstrip())
    return found


def _plain(text: str) -> str:
    return re.sub(r"[`*]{1,2}([^`*]+)[`*]{1,2}", r"\1", text)
