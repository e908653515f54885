"""One token: a SpiffWorkflow task that stands on one element.

Differs from the library's task in four ways: it carries no data (variables live in the instance's own scope), its state
changes build no log records, it hangs in no tree, and where it belongs is written on it (`home`, `host`, `flow`) instead of
being read off the shape of one. So finished tokens can be dropped after every step, whose cost does not grow with its history.
"""

from __future__ import annotations

from types import MappingProxyType

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

LIVE = TaskState.NOT_FINISHED_MASK


class Token(Task):
    """A token on an element.

    home: id of the sub-process or multi-instance token it runs in, None at the process' own level.
    host: id of the activity token a boundary event guards, of the event gateway it races for, or of the compensation it serves.
    flow: id of the sequence flow it came by.
    listens: it waits for the start of an event sub-process and does not keep its scope open.
    """

    data = internal_data = MappingProxyType({})
    triggered, thread_id, last_state_change = False, 0, 0.0
    _parent, _children = None, ()

    def __init__(self, workflow, spec, *, state=TaskState.FUTURE, id: str | None = None, home=None, host=None, flow=None,
                 listens=False, memo=None):
        self.id = self.key = id or workflow.game.new_id()  # not the library's own, which asks the clock and makes an UUID
        self.workflow, self.task_spec, self._state, self.element = workflow, spec, state, spec.element
        self.home, self.host, self.flow, self.listens = home, host, flow, listens
        self.memo = memo or {}  # what the host wants to find again on this token, JSON
        workflow.tasks[self.id] = self

    @property
    def live(self) -> bool:
        return bool(self._state & LIVE)

    def _set_state(self, value):
        self._state = value

    def _inherit_data(self):
        pass

    def run(self):
        """Let the spec act; it says whether the token is done with the element. What waits has set its own state."""
        if self.task_spec._run(self):
            self.complete()
