"""Small diagrams for engine tests, put together in the test itself: `process("key", user("a"), ..., flows("s > a", ...))`.

Nothing is drawn (no shapes), so these go to the engine without the author's checks. Flow ids are `source_target`.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

HEAD = ('<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">')


def timer(kind: str, text: str) -> str:
    return f'<bpmn:timerEventDefinition><bpmn:time{kind}>{escape(text)}</bpmn:time{kind}></bpmn:timerEventDefinition>'


def message(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="M_{name}"/>'


def signal(name: str) -> str:
    return f'<bpmn:signalEventDefinition signalRef="S_{name}"/>'


def error(code: str | None = None) -> str:
    return "<bpmn:errorEventDefinition/>" if code is None else f'<bpmn:errorEventDefinition errorRef="E_{code}"/>'


def escalation(code: str | None = None) -> str:
    return "<bpmn:escalationEventDefinition/>" if code is None else f'<bpmn:escalationEventDefinition escalationRef="L_{code}"/>'


def condition(expression: str) -> str:
    return f"<bpmn:conditionalEventDefinition><bpmn:condition>{escape('=' + expression)}</bpmn:condition></bpmn:conditionalEventDefinition>"


def compensation(activity: str | None = None) -> str:
    of = f' activityRef="{activity}"' if activity else ""
    return f"<bpmn:compensateEventDefinition{of}/>"


def link(name: str) -> str:
    return f'<bpmn:linkEventDefinition name="{name}"/>'


CANCEL = "<bpmn:cancelEventDefinition/>"
TERMINATE = "<bpmn:terminateEventDefinition/>"


def association(a: str, b: str) -> str:
    return f'<bpmn:association id="as_{a}_{b}" sourceRef="{a}" targetRef="{b}"/>'


def many(activity: str, collection: str | None = None, *, item: str = "item", parallel: bool = True, outputs: str | None = None,
         output: str | None = None, completion: str | None = None, times: str | None = None) -> str:
    """An activity with the multi-instance marker."""
    zeebe = "" if collection is None else f'<zeebe:loopCharacteristics inputCollection={quoteattr("=" + collection)} inputElement="{item}"'
    if collection is not None and outputs:
        zeebe += f' outputCollection="{outputs}" outputElement={quoteattr("=" + output)}'
    inside = f"<bpmn:extensionElements>{zeebe}/></bpmn:extensionElements>" if zeebe else ""
    inside += f"<bpmn:loopCardinality>{escape(times)}</bpmn:loopCardinality>" if times else ""
    inside += f"<bpmn:completionCondition>{escape('=' + completion)}</bpmn:completionCondition>" if completion else ""
    return _inside(activity, f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(not parallel).lower()}">{inside}'
                   "</bpmn:multiInstanceLoopCharacteristics>")


def looped(activity: str, condition: str | None = None, *, before: bool = False, maximum: int | None = None) -> str:
    """An activity with the standard loop marker."""
    most = f' loopMaximum="{maximum}"' if maximum else ""
    text = f"<bpmn:loopCondition>{escape('=' + condition)}</bpmn:loopCondition>" if condition else ""
    return _inside(activity, f'<bpmn:standardLoopCharacteristics testBefore="{str(before).lower()}"{most}>{text}'
                   "</bpmn:standardLoopCharacteristics>")


def _inside(activity: str, xml: str) -> str:
    head, _, tail = activity.rpartition("</bpmn:")
    return f"{head}{xml}</bpmn:{tail}"


def receive(id: str, name: str) -> str:
    return plain("receiveTask", id, messageRef=f"M_{name}")


def user(id: str, groups: str = "specialist", due: str = "=null", form: str = "any", name: str | None = None,
         assignee: str | None = None) -> str:
    who = f' assignee={quoteattr(assignee)}' if assignee else ""
    return (f'<bpmn:userTask id="{id}" name="{name or id}"><bpmn:extensionElements><zeebe:userTask/>'
            f'<zeebe:formDefinition formId="{form}"/><zeebe:assignmentDefinition candidateGroups={quoteattr(groups)}{who}/>'
            f'<zeebe:taskSchedule dueDate={quoteattr(due)}/><zeebe:properties><zeebe:property name="clause" value="1"/>'
            f'</zeebe:properties></bpmn:extensionElements></bpmn:userTask>')


def _io(inputs: dict, outputs: dict) -> str:
    if not inputs and not outputs:
        return ""
    lines = [f'<zeebe:input source={quoteattr("=" + s)} target="{t}"/>' for t, s in inputs.items()]
    lines += [f'<zeebe:output source={quoteattr("=" + s)} target="{t}"/>' for t, s in outputs.items()]
    return f"<zeebe:ioMapping>{''.join(lines)}</zeebe:ioMapping>"


def service(id: str, operation: str, inputs: dict | None = None, outputs: dict | None = None) -> str:
    return (f'<bpmn:serviceTask id="{id}" name="{id}"><bpmn:extensionElements><zeebe:taskDefinition type="{operation}"/>'
            f'{_io(inputs or {}, outputs or {})}</bpmn:extensionElements></bpmn:serviceTask>')


def script(id: str, result: str, expression: str) -> str:
    return (f'<bpmn:scriptTask id="{id}" name="{id}"><bpmn:extensionElements><zeebe:script expression={quoteattr("=" + expression)}'
            f' resultVariable="{result}"/></bpmn:extensionElements></bpmn:scriptTask>')


def call(id: str, key: str, inputs: dict | None = None, outputs: dict | None = None) -> str:
    return (f'<bpmn:callActivity id="{id}" name="{id}"><bpmn:extensionElements>'
            f'<zeebe:calledElement processId="{key}" propagateAllChildVariables="false"/>{_io(inputs or {}, outputs or {})}'
            f'</bpmn:extensionElements></bpmn:callActivity>')


def plain(kind: str, id: str, inside: str = "", **attributes) -> str:
    extra = "".join(f' {k}={quoteattr(str(v))}' for k, v in attributes.items())
    return f'<bpmn:{kind} id="{id}" name="{id}"{extra}>{inside}</bpmn:{kind}>'


def boundary(id: str, host: str, inside: str, interrupting: bool = True) -> str:
    return plain("boundaryEvent", id, inside, attachedToRef=host, cancelActivity=str(interrupting).lower())


def flows(*arrows: str) -> str:
    """Sequence flows from 'a > b', 'a > b : condition'; ids are a_b."""
    out = []
    for arrow in arrows:
        path, _, condition = arrow.partition(" : ")
        a, b = (x.strip() for x in path.split(">"))
        inside = "" if condition in ("", "default") else (
            f"<bpmn:conditionExpression>{escape('=' + condition)}</bpmn:conditionExpression>")
        out.append(f'<bpmn:sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}">{inside}</bpmn:sequenceFlow>')
    return "".join(out)


def process(key: str, *parts: str, messages: tuple[str, ...] = (), signals: tuple[str, ...] = (), errors: tuple[str, ...] = (),
            escalations: tuple[str, ...] = (), tag: str | None = None) -> bytes:
    """The XML of an executable process without a drawing. Messages correlate on the business key."""
    declared = "".join(
        f'<bpmn:message id="M_{m}" name="{m}"><bpmn:extensionElements><zeebe:subscription correlationKey="=instance.business_key"/>'
        f'</bpmn:extensionElements></bpmn:message>' for m in messages)
    declared += "".join(f'<bpmn:signal id="S_{s}" name="{s}"/>' for s in signals)
    declared += "".join(f'<bpmn:error id="E_{e}" name="{e}" errorCode="{e}"/>' for e in errors)
    declared += "".join(f'<bpmn:escalation id="L_{e}" name="{e}" escalationCode="{e}"/>' for e in escalations)
    version = f'<bpmn:extensionElements><zeebe:versionTag value="{tag}"/></bpmn:extensionElements>' if tag else ""
    return (f'{HEAD}<bpmn:process id="{key}" name="{key}" isExecutable="true">{version}{"".join(parts)}</bpmn:process>'
            f'{declared}</bpmn:definitions>').encode()
