"""The dialect: what a diagram may say, as plain data (design: BPMN 2.0 with the `zeebe` extension elements).

`read(xml)` turns the text of one BPMN file into a `Diagram`; it never executes anything and knows no SpiffWorkflow.
What is wrong with a diagram is not raised one by one: every fault is collected as a `Fault` with element, reason and remedy,
so that an author sees them all at once. Surprise: expressions are kept without their leading `=`; a literal text in an
attribute that allows both (an assignee, a group) is kept as FEEL giving that text, so everybody downstream sees FEEL only.
"""

from engine.dialect.allowed import BPMN, MAX_BYTES, MAX_FLOWS, MAX_MARKS, MAX_NESTING, MAX_NODES, READ_CHECKS, REFUSED, ZEEBE
from engine.dialect.model import (
    ACTIVITIES,
    Diagram,
    Element,
    Event,
    EventKind,
    Fault,
    Flow,
    Kind,
    Loop,
    Mapping,
    Multi,
    TimerKind,
)
from engine.dialect.reader import read
from engine.dialect.texts import (
    MAX_EXPRESSION,
    BadText,
    check_cycle,
    check_duration,
    check_instant,
    feel_text,
    timer_expression,
)

__all__ = [
    "ACTIVITIES",
    "BPMN",
    "MAX_BYTES",
    "MAX_EXPRESSION",
    "MAX_FLOWS",
    "MAX_MARKS",
    "MAX_NESTING",
    "MAX_NODES",
    "READ_CHECKS",
    "REFUSED",
    "ZEEBE",
    "BadText",
    "Diagram",
    "Element",
    "Event",
    "EventKind",
    "Fault",
    "Flow",
    "Kind",
    "Loop",
    "Mapping",
    "Multi",
    "TimerKind",
    "check_cycle",
    "check_duration",
    "check_instant",
    "feel_text",
    "read",
    "timer_expression",
]
