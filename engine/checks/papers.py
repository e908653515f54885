"""Checks of control sheet, English texts and scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine import definitions
from engine.checks.core import Finding, Subject, rule

REVISION_TEXTS = ("time", "code_before", "code_after", "changes")
SHEET_TEXTS = ("code", "name", "status", "tier", "department", "owner")
STATUSES = ("draft", "in-force", "superseded", "abolished")
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CHINESE = re.compile("[\u4e00-\u9fff]")


@rule("control-sheet", "The control sheet (clause 0) names code, name, status, tier, department, owner, and each revision's time,"
      " code before, code after and changes, in time order.", "Fill in control-sheet.yaml.", needs_diagram=False)
def _control_sheet(subject: Subject) -> Iterator[Finding]:
    sheet = subject.procedure.control_sheet
    if not sheet:
        yield Finding(None, "There is no control sheet.", file=definitions.CONTROL_SHEET)
        return
    for key in SHEET_TEXTS:
        if not str(sheet.get(key) or "").strip():
            yield Finding(None, f"The control sheet has no {key}.", file=definitions.CONTROL_SHEET)
    if sheet.get("status") and sheet["status"] not in STATUSES:
        yield Finding(None, f"The status {sheet['status']} is not known.", f"Write one of {', '.join(STATUSES)}.",
                      definitions.CONTROL_SHEET)
    yield from (Finding(None, reason, file=definitions.CONTROL_SHEET) for reason in _revision_faults(sheet.get("revisions")))


def _revision_faults(revisions) -> Iterator[str]:
    if not isinstance(revisions, list) or not revisions:
        yield "The control sheet has no revisions."
        return
    for number, revision in enumerate(revisions, 1):
        missing = [k for k in REVISION_TEXTS if not str((revision if isinstance(revision, dict) else {}).get(k) or "").strip()]
        if missing:
            yield f"Revision {number} has no {', '.join(missing)}."
    times = [str(r.get("time")) for r in revisions if isinstance(r, dict)]
    if times != sorted(times):
        yield "The revisions are not in time order."


@rule("english", "en.yaml has an English text for every label of the diagram and the forms, every Chinese text that an input writes, and for nothing else.",
      "Add the texts to en.yaml, remove those that name nothing.", warning=True)
def _english(subject: Subject) -> Iterator[Finding]:
    english = subject.procedure.translations
    named = {e.id: e.name for e in subject.diagram.elements.values() if e.name != e.id}
    named |= {f.id: f.name for f in subject.diagram.flows.values() if f.name}
    diagram = subject.diagram
    everything = {diagram.key, *diagram.elements, *diagram.flows, *diagram.documentation_only}
    yield from _text_gaps("the diagram", named, _mapping_of(english, "elements"), everything)
    forms = _mapping_of(english, "forms")
    for form in subject.procedure.forms.values():
        shown = {c.id for c in form.walk()} | {c.key for c in form.walk()}
        labels = _form_labels(form)
        yield from _text_gaps(f"the form {form.id}", labels, _flat_texts(_mapping_of(forms, form.id)), shown | set(labels))
    yield from _text_gaps("the folder's forms", {}, forms, set(subject.procedure.forms))
    written = _written_texts(diagram)
    yield from _text_gaps("the inputs", written, _mapping_of(english, "texts"), set(written))


def _text_gaps(what: str, wanted: Mapping[str, str], given: Mapping[str, Any], known: set[str]) -> Iterator[Finding]:
    missing = sorted(k for k in wanted if not given.get(k))
    if missing:
        yield Finding(None, f"{len(missing)} texts of {what} have no English: {', '.join(missing[:8])}.",
                      file=definitions.ENGLISH)
    strange = sorted(str(k) for k in given if k not in known)
    if strange:
        yield Finding(None, f"en.yaml names what is not in {what}: {', '.join(strange[:8])}.", file=definitions.ENGLISH)


def _written_texts(diagram) -> dict[str, str]:
    """The Chinese literals in the inputs of elements, which reach pages and notices as they stand: text -> itself."""
    sources = [line.source for element in diagram.elements.values() for line in element.inputs]
    texts = [text for source in sources for text in _LITERAL.findall(source) if _CHINESE.search(text)]
    return dict(zip(texts, texts, strict=True))


def _form_labels(form) -> dict[str, str]:
    """Everything to be said in English about a form: `key`, and `key=value` for options."""
    labels: dict[str, str] = {}
    for each in form.fields:
        labels[each.key] = each.label
        labels |= {f"{each.key}={option.value}": option.label for option in each.options}
    return labels


def _flat_texts(texts: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, entry in texts.items():
        entry = entry if isinstance(entry, dict) else {"label": entry}
        flat[str(key)] = entry.get("label")
        flat |= {f"{key}={value}": label for value, label in _mapping_of(entry, "values").items()}
    return flat


def _mapping_of(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


@rule("scenarios", "A procedure has at least two scenarios.", "Write one story per file in scenarios/: given, steps, then.",
      warning=True, needs_diagram=False)
def _scenarios(subject: Subject) -> Iterator[Finding]:
    count = len(subject.procedure.scenarios)
    if count < 2:
        yield Finding(None, f"The procedure has {count} scenarios.", file="scenarios/")
