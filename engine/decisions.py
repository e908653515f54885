"""Decision tables: a DMN file becomes `Decisions`; deciding tells the value, the rules that hit and the inputs they
looked at.

Hit policies, aggregations, requirement graphs, contexts and knowledge models are evaluated in FEEL's sandbox
(engine.feel). A file without drawn input data is open: what its input expressions name has to be in the context, or
it is an error. A file with input data says what it needs; drawn inputs that the context lacks are null.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import DefinitionRefused, ExpressionError, NotFound
from engine.feel import Feel, punctuation, values
from engine.feel import dmn as _dmn

DECIDE_CPU_MILLISECONDS = 200


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One decision table that was asked on the way: its decision's id, the rules that hit (from 1), the inputs it
    saw.
    """

    decision: str
    rules: list[int]
    inputs: dict


@dataclass(frozen=True, slots=True)
class Decision:
    """What came out. `rules` (from 1) are those of `table`: the asked one, or where an expression was asked the table
    it asked last. `inputs` belong to what was asked; `trail` has every table on the way.
    """

    value: object
    rules: list[int]
    table: str
    inputs: dict
    trail: list[Evaluated] = field(default_factory=list)


class Decisions:
    """The decisions of one DMN file, ready to decide. Immutable; usable from any thread."""

    def __init__(self, model: dict, takes: dict[str, list[str]], feel: Feel):
        self._model, self._takes, self._feel = model, takes, feel
        self._loaded = _loading(model)

    def ids(self) -> list[str]:
        """The ids of the decisions, in the order of the file."""
        return list(self._model["decisions"])

    def name(self, decision_id: str) -> str:
        return self._decision(decision_id)["name"]

    def inputs(self, decision_id: str) -> list[str]:
        """The names a decision needs of its context, those of the decisions it requires included."""
        self._decision(decision_id)
        names, seen, ahead = [], set(), [decision_id]
        while ahead:
            key = ahead.pop(0)
            if key in seen:
                continue
            seen.add(key)
            if key in self._model["inputs"]:
                names.append(self._model["inputs"][key]["name"])
            elif node := self._model["decisions"].get(key) or self._model["knowledge"].get(key):
                names.extend(self._takes.get(key, ()))
                ahead.extend(node["requires"])
        return list(dict.fromkeys(names))

    def decide(self, decision_id: str, context: Mapping, *, env=None) -> Decision:
        """The decision's value for a context of FEEL values.

        Raises ExpressionError naming decision, rule and column where a value has the wrong type, a name is missing
        or the hit policy is broken; ExpressionLimit where it takes too long; NotFound for an unknown id.
        """
        given = self._given(decision_id, context)
        key, loading = self._loaded
        reply = self._feel.request(
            decision_id,
            ["decide", key, decision_id, given],
            env=env,
            needs={("model", key): loading},
            milliseconds=DECIDE_CPU_MILLISECONDS,
        )["v"]
        trail = [
            Evaluated(each["decision"], each["rules"], values.from_json(each["inputs"])) for each in reply["trail"]
        ]
        own = next((each for each in reversed(trail) if each.decision == decision_id), None)
        table = own or (trail[-1] if trail else Evaluated(decision_id, [], {}))
        inputs = own.inputs if own else dict(given)
        return Decision(values.from_json(reply["v"]), table.rules, table.decision, inputs, trail)

    def _decision(self, decision_id: str) -> dict:
        if decision_id not in self._model["decisions"]:
            raise NotFound("decision", decision_id)
        return self._model["decisions"][decision_id]

    def _given(self, decision_id: str, context: Mapping) -> dict:
        names = self.inputs(decision_id)
        missing = [name for name in names if name not in context]
        if missing and self._model["open"]:
            raise ExpressionError(
                decision_id, f"unknown name '{missing[0]}': the table looks at it, the context does not have it"
            )
        return {name: context.get(name) for name in names}


def load(dmn_xml: bytes | str, *, file: str = "decision.dmn", functions=None, feel: Feel | None = None) -> Decisions:
    """The decisions of a DMN file (1.1 to 1.5; dmn-js writes 1.3).

    `functions` (or a Feel that has them) are those its texts may call. Raises DefinitionRefused with every fault:
    broken XML, an unknown name, a cell that is not FEEL; each names decision, rule and column.
    """
    feel = feel or Feel(functions)
    faults = _dmn.Faults(file)
    model = _dmn.read(dmn_xml, faults)
    takes = {}
    if not faults.broken:
        model["functions"] = feel.key
        takes = _check_texts(model, feel, faults)
    if faults:
        raise DefinitionRefused(faults)
    return Decisions(model, takes, feel)


def _loading(model: dict) -> tuple[str, list]:
    """A key for the model, and the request that tells a child process about it."""
    key = hashlib.sha256(values.dumps(model)).hexdigest()
    return key, ["load", key, model]


def _check_texts(model: dict, feel: Feel, faults: _dmn.Faults) -> dict[str, list[str]]:
    """Lets the sandbox read every text of the model; its faults are added. Gives the names each table of an open
    file takes.
    """
    key, loading = _loading(model)
    try:
        found = feel.request("the decision model", ["found", key], needs={("model", key): loading})["v"]
    except ExpressionError as error:
        faults.add(None, f"The tables cannot be read: {error.reason}.", "Make the tables smaller.", "limit")
        return {}
    names = model["decisions"] | model["knowledge"]
    for fault in found["faults"]:
        name = names[fault["element"]]["name"] if fault["element"] in names else fault["element"]
        place = ", ".join(part for part in (name, fault["at"]) if part)
        faults.add(
            fault["element"], f"{place}: {fault['message']} in `{fault['text']}`.", _remedy(fault), "text"
        )
    return found["takes"]


def _remedy(fault: dict) -> str:
    if (half_width := punctuation.remedy(fault["text"])) is not None:
        return half_width
    if fault["message"].startswith("unknown name"):
        return "A text stands in quotes; a variable has to be an input of the decision."
    return "Write a FEEL expression."
