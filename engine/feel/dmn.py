"""DMN XML becomes a model: plain data that the sandbox loads and decides with. Reads DMN 1.1 to 1.5 by local names.

Nothing is evaluated here. What is wrong with the structure is collected as faults; what is wrong inside a FEEL text
the sandbox says when it loads the model. Every text carries `at`, its place in the author's words ("rule 3, input
类别").
"""

from __future__ import annotations

from lxml import etree

from engine.dialect import Fault

LARGEST_FILE = 2 << 20  # bytes
MOST_RULES = 2_000
MOST_NESTED = 40  # boxed expressions within each other
POLICIES = {"UNIQUE", "FIRST", "ANY", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER"}
AGGREGATIONS = {"SUM", "MIN", "MAX", "COUNT"}
BASE_TYPES = {
    "string",
    "number",
    "boolean",
    "date",
    "time",
    "date and time",
    "dateTime",
    "days and time duration",
    "dayTimeDuration",
    "years and months duration",
    "yearMonthDuration",
    "context",
    "list",
    "function",
    "Any",
    "integer",
    "long",
    "double",
}


class Faults(list):
    """Collects what is wrong with one file. `broken` is set when the model cannot be looked at any further."""

    broken = False

    def __init__(self, file: str):
        super().__init__()
        self.file = file

    def add(self, element: str | None, reason: str, remedy: str, check: str) -> None:
        self.append(Fault(self.file, element, reason, remedy, f"dmn-{check}"))
        self.broken = self.broken or check in ("xml", "size", "doctype", "id", "reference", "circle")


def read(xml: bytes | str, faults: Faults) -> dict | None:
    """The model of one file, or None where it is not even XML. Look at `faults` before using it."""
    root = _parse(xml.encode() if isinstance(xml, str) else xml, faults)
    if root is None:
        return None
    if _local(root) != "definitions":
        faults.add(
            None,
            f"The file starts with {_local(root)}, not with DMN definitions.",
            "Save a decision table as DMN 1.3.",
            "xml",
        )
        return None
    try:
        return _Reader(root, faults).model()
    except RecursionError:
        faults.add(None, "The expressions nest too deep.", "Give the inner ones decisions of their own.", "size")
        return None


def _parse(xml: bytes, faults: Faults):
    if len(xml) > LARGEST_FILE:
        faults.add(
            None, f"The file is larger than {LARGEST_FILE >> 20} MB.", "Split the tables over several files.", "size"
        )
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        faults.add(None, f"The file is not XML: {error}.", "Save it again with a DMN editor.", "xml")
        return None
    if root.getroottree().docinfo.doctype:
        faults.add(None, "The file has a DOCTYPE.", "Remove it; a DMN file has none.", "doctype")
        return None
    return root


def _local(element) -> str:
    return etree.QName(element).localname


def _children(element, *names: str) -> list:
    return [child for child in element if _local(child) in names]


def _child(element, name: str):
    return next(iter(_children(element, name)), None)


def _text(element, *path: str) -> str | None:
    """The stripped text of a nested child, None where there is no such child."""
    for name in path:
        element = _child(element, name) if element is not None else None
    return None if element is None else (element.text or "").strip()


def _href(element) -> str:
    return element.get("href", "").rpartition("#")[2]


def _type(name: str | None) -> str | None:
    """A typeRef without the prefixes older files carry."""
    if not name:
        return None
    return name.rpartition("}")[2].removeprefix("feel:")


class _Reader:
    def __init__(self, root, faults: Faults):
        self.root, self.faults = root, faults
        self.types: dict[str, dict] = {}
        self.element = None  # id of the decision or knowledge model that is read
        self.depth = 0

    def model(self) -> dict:
        for each in _children(self.root, "import"):
            name = each.get("name") or each.get("namespace") or "another file"
            self.faults.add(None, f"The file imports {name}.", "Draw what it needs in this file.", "reference")
        for item in _children(self.root, "itemDefinition"):
            self.types[item.get("name", "")] = self._type_definition(item)
        model = {
            "types": self.types,
            "inputs": self._nodes("inputData", self._input),
            "decisions": self._nodes("decision", self._decision),
            "knowledge": self._nodes("businessKnowledgeModel", self._knowledge),
            "services": self._nodes("decisionService", self._service),
        }
        model["open"] = not model["inputs"]
        _check_graph(model, self.faults)
        return model

    def _nodes(self, tag: str, read) -> dict[str, dict]:
        nodes = {}
        for element in _children(self.root, tag):
            key = self.element = element.get("id")
            if not key or key in nodes:
                self.faults.add(key, f"The {tag} {_name(element)} has no id of its own.", "Give it one.", "id")
                continue
            nodes[key] = read(element)
        return nodes

    # ---- types
    def _type_definition(self, item) -> dict:
        components = [
            self._type_definition(each) | {"name": each.get("name", "")} for each in _children(item, "itemComponent")
        ]
        allowed = _text(item, "allowedValues", "text")
        return {
            "ref": "function" if _child(item, "functionItem") is not None else _type(_text(item, "typeRef")),
            "collection": item.get("isCollection") == "true",
            "components": components or None,
            "allowed": _tests(allowed, f"allowed values of type {item.get('name')}") if allowed else None,
        }

    def _known_type(self, name: str | None, where: str) -> str | None:
        name = _type(name)
        if name and name not in BASE_TYPES and name not in self.types:
            self.faults.add(
                self.element,
                f"{where}: the type {name} is not known.",
                "Use a FEEL type, or define it in the file.",
                "type",
            )
        return None if name == "Any" else name

    # ---- nodes of the graph
    def _input(self, element) -> dict:
        return {
            "name": _name(element),
            "type": self._known_type(_variable(element).get("typeRef"), f"input {_name(element)}"),
        }

    def _decision(self, element) -> dict:
        name = _name(element)
        expression = self._first_expression(element, "")
        if expression is None:
            self.faults.add(
                self.element, f"The decision {name} has no table and no expression.", "Draw its table.", "empty"
            )
        return {
            "name": name,
            "type": self._known_type(_variable(element).get("typeRef"), "result"),
            "expression": expression,
            "requires": _requires(element),
        }

    def _knowledge(self, element) -> dict:
        logic = _child(element, "encapsulatedLogic")
        if logic is None:
            self.faults.add(
                self.element, f"The knowledge model {_name(element)} has no logic.", "Give it a function.", "empty"
            )
        function = self._function(logic, "") if logic is not None else None
        return {"name": _name(element), "expression": function, "requires": _requires(element)}

    @staticmethod
    def _service(element) -> dict:
        references = {
            kind: [_href(each) for each in _children(element, kind)]
            for kind in ("inputData", "inputDecision", "outputDecision")
        }
        return {
            "name": _name(element),
            "inputs": references["inputData"],
            "decisions": references["inputDecision"],
            "outputs": references["outputDecision"],
        }

    # ---- expressions
    def _first_expression(self, element, at: str):
        for child in element if element is not None else ():
            if _local(child) in _EXPRESSIONS:
                return self._expression(child, at)
        return None

    def _expression(self, element, at: str) -> dict:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise RecursionError
        node = _EXPRESSIONS[_local(element)](self, element, at)
        self.depth -= 1
        return node | {"at": at, "type": self._known_type(element.get("typeRef"), at or "expression")}

    def _literal(self, element, at: str) -> dict:
        language = element.get("expressionLanguage") or self.root.get("expressionLanguage") or "feel"
        if "feel" not in language.lower():
            self.faults.add(
                self.element, f"{at or 'The expression'} is written in {language}.", "Write it in FEEL.", "language"
            )
        text = _text(element, "text") or ""
        if not text:
            self.faults.add(self.element, f"{at or 'The expression'} is empty.", "Write a FEEL expression.", "empty")
        return {"kind": "literal", "text": text, "any": not text}

    def _context(self, element, at: str) -> dict:
        entries = []
        for entry in _children(element, "contextEntry"):
            variable = _child(entry, "variable")
            name = None if variable is None else variable.get("name")
            place = _inside(at, "result" if name is None else f"entry {name}")
            entries.append(
                {
                    "name": name,
                    "type": None if variable is None else self._known_type(variable.get("typeRef"), place),
                    "expression": self._first_expression(entry, place),
                }
            )
        return {"kind": "context", "entries": entries}

    def _list(self, element, at: str) -> dict:
        items = [child for child in element if _local(child) in _EXPRESSIONS]
        return {
            "kind": "list",
            "items": [self._expression(child, _inside(at, f"item {place}")) for place, child in enumerate(items, 1)],
        }

    def _relation(self, element, at: str) -> dict:
        columns = [column.get("name") for column in _children(element, "column")]
        rows = []
        for number, row in enumerate(_children(element, "row"), 1):
            cells = [child for child in row if _local(child) in _EXPRESSIONS]
            rows.append(
                [
                    self._expression(cell, _inside(at, f"row {number}, column {column}"))
                    for column, cell in zip(columns, cells, strict=False)
                ]
            )
        return {"kind": "relation", "columns": columns, "rows": rows}

    def _function(self, element, at: str) -> dict:
        if element.get("kind", "FEEL") != "FEEL":
            self.faults.add(
                self.element,
                f"{at or 'The function'} is of kind {element.get('kind')}.",
                "Write it in FEEL.",
                "language",
            )
        params = [
            {"name": each.get("name"), "type": self._known_type(each.get("typeRef"), f"parameter {each.get('name')}")}
            for each in _children(element, "formalParameter")
        ]
        return {
            "kind": "function",
            "params": params,
            "returns": None,
            "at": at,
            "body": self._first_expression(element, at),
        }

    def _invocation(self, element, at: str) -> dict:
        bindings = []
        for binding in _children(element, "binding"):
            parameter = _child(binding, "parameter")
            name = "" if parameter is None else parameter.get("name")
            bindings.append(
                {"name": name, "expression": self._first_expression(binding, _inside(at, f"parameter {name}"))}
            )
        return {"kind": "invocation", "target": self._first_expression(element, at), "bindings": bindings}

    def _conditional(self, element, at: str) -> dict:
        parts = {
            word: self._first_expression(_child(element, word), _inside(at, word)) for word in ("if", "then", "else")
        }
        return {"kind": "if", "condition": parts["if"], "then": parts["then"], "else": parts["else"]}

    def _iterator(self, element, at: str) -> dict:
        kind = _local(element)
        body = {"for": "return", "filter": "match"}.get(kind, "satisfies")
        return {
            "kind": kind,
            "variable": element.get("iteratorVariable"),
            "in": self._first_expression(_child(element, "in"), at),
            "body": self._first_expression(_child(element, body), _inside(at, body)),
        }

    # ---- tables
    def _table(self, element, at: str) -> dict:
        inputs = [self._table_input(each, number, at) for number, each in enumerate(_children(element, "input"), 1)]
        outputs = [self._table_output(each, at) for each in _children(element, "output")]
        rules = [
            self._rule(rule, number, inputs, outputs, at) for number, rule in enumerate(_children(element, "rule"), 1)
        ]
        node = {
            "kind": "table",
            "decision": self.element,
            "policy": element.get("hitPolicy", "UNIQUE"),
            "aggregation": element.get("aggregation"),
            "inputs": inputs,
            "outputs": outputs,
            "rules": rules,
        }
        _check_table(node, self.element, self.faults)
        return node

    def _table_input(self, element, number: int, at: str) -> dict:
        expression = _child(element, "inputExpression")
        text = (_text(expression, "text") if expression is not None else None) or ""
        name = element.get("label") or text or str(number)
        place = _inside(at, f"input {name}")
        if not text:
            self.faults.add(
                self.element, f"{place} has no expression.", "Write the name of the variable it looks at.", "empty"
            )
        allowed = _text(element, "inputValues", "text")
        return {
            "name": text or name,
            "label": name,
            "at": place,
            "expression": {"text": text, "at": place, "any": not text},
            "type": self._known_type(expression.get("typeRef") if expression is not None else None, place),
            "allowed": _tests(allowed, f"{place}, allowed values") if allowed else None,
        }

    def _table_output(self, element, at: str) -> dict:
        name = element.get("name") or ""
        label = element.get("label") or name or "result"
        place = _inside(at, f"output {label}")
        allowed = _text(element, "outputValues", "text")
        fallback = _text(element, "defaultOutputEntry", "text")
        return {
            "name": name,
            "label": label,
            "type": self._known_type(element.get("typeRef"), place),
            "allowed": _tests(allowed, f"{place}, values") if allowed else None,
            "order": {"text": f"[{allowed}]", "at": f"{place}, values"} if allowed else None,
            "fallback": {"text": fallback, "at": f"{place}, default"} if fallback else None,
        }

    def _rule(self, element, number: int, inputs: list, outputs: list, at: str) -> dict:
        tests = [_text(each, "text") or "" for each in _children(element, "inputEntry")]
        cells = [_text(each, "text") or "" for each in _children(element, "outputEntry")]
        if len(tests) != len(inputs) or len(cells) != len(outputs):
            self.faults.add(
                self.element,
                f"{_inside(at, f'rule {number}')} has {len(tests)} + {len(cells)} cells where the table has"
                f" {len(inputs)} + {len(outputs)} columns.",
                "Save the table again with a DMN editor.",
                "cells",
            )
        rule = _inside(at, f"rule {number}")
        return {
            "tests": [
                _tests(text, f"{rule}, input {column['label']}") for text, column in zip(tests, inputs, strict=False)
            ],
            "outputs": [
                {"text": text, "at": f"{rule}, output {column['label']}", "any": text in ("", "-")}
                for text, column in zip(cells, outputs, strict=False)
            ],
        }


_EXPRESSIONS = {
    "literalExpression": _Reader._literal,
    "decisionTable": _Reader._table,
    "context": _Reader._context,
    "list": _Reader._list,
    "relation": _Reader._relation,
    "functionDefinition": _Reader._function,
    "invocation": _Reader._invocation,
    "conditional": _Reader._conditional,
    "for": _Reader._iterator,
    "some": _Reader._iterator,
    "every": _Reader._iterator,
    "filter": _Reader._iterator,
}


def _inside(at: str, place: str) -> str:
    return f"{at}, {place}" if at else place


def _tests(text: str, at: str) -> dict:
    return {"text": text, "at": at, "any": text in ("", "-")}


def _variable(element):
    found = _child(element, "variable")
    return element.makeelement("none") if found is None else found


def _name(element) -> str:
    return _variable(element).get("name") or element.get("name") or element.get("id") or ""


def _requires(element) -> list[str]:
    return [
        _href(reference)
        for requirement in _children(element, "informationRequirement", "knowledgeRequirement")
        for reference in _children(requirement, "requiredInput", "requiredDecision", "requiredKnowledge")
    ]


def _check_table(node: dict, element: str, faults: Faults) -> None:
    policy, aggregation, outputs = node["policy"], node["aggregation"], node["outputs"]
    if policy not in POLICIES:
        faults.add(
            element, f"The hit policy {policy} is not known.", f"Use one of {', '.join(sorted(POLICIES))}.", "policy"
        )
    if aggregation and (policy != "COLLECT" or aggregation not in AGGREGATIONS or len(outputs) != 1):
        faults.add(
            element,
            f"The aggregation {aggregation} needs hit policy COLLECT and one output.",
            f"Use one of {', '.join(sorted(AGGREGATIONS))} so.",
            "policy",
        )
    if policy in ("PRIORITY", "OUTPUT ORDER") and not any(output["order"] for output in outputs):
        faults.add(
            element,
            f"The hit policy {policy} needs to know which output comes first.",
            "List the output's values in their order.",
            "policy",
        )
    if not outputs:
        faults.add(element, "The table has no output.", "Add one.", "empty")
    if (
        len(outputs) > 1
        and (names := [output["name"] for output in outputs])
        and ("" in names or len(set(names)) < len(names))
    ):
        faults.add(element, "Several outputs need a name each, all different.", "Name the output columns.", "names")
    if len(node["rules"]) > MOST_RULES:
        faults.add(element, f"The table has more than {MOST_RULES} rules.", "Split it.", "size")


def _check_graph(model: dict, faults: Faults) -> None:
    known = {kind: set(model[kind]) for kind in ("inputs", "decisions", "knowledge", "services")}
    everything = set().union(*known.values())
    nodes = model["decisions"] | model["knowledge"]
    for key, node in nodes.items():
        for missing in [each for each in node["requires"] if each not in everything]:
            faults.add(
                key, f"{node['name']} requires {missing}, which is not in the file.", "Remove or draw it.", "reference"
            )
    for key, node in model["services"].items():
        for kind, wanted in (
            ("inputs", known["inputs"]),
            ("decisions", known["decisions"]),
            ("outputs", known["decisions"]),
        ):
            for missing in [each for each in node[kind] if each not in wanted]:
                faults.add(
                    key, f"{node['name']} names {missing}, which is not in the file.", "Remove or draw it.", "reference"
                )
    for key in nodes:
        if _reaches(nodes, key, key):
            faults.add(
                key, f"{nodes[key]['name']} requires itself, directly or through others.", "Break the circle.", "circle"
            )
    if not model["decisions"]:
        faults.add(None, "The file has no decision.", "Draw one.", "empty")


def _reaches(nodes: dict, start: str, goal: str) -> bool:
    seen, ahead = set(), list(nodes[start]["requires"])
    while ahead:
        key = ahead.pop()
        if key == goal:
            return True
        if key in nodes and key not in seen:
            seen.add(key)
            ahead.extend(nodes[key]["requires"])
    return False
