"""One token: a SpiffWorkflow task that stands on one element.

Differs from the library's task in three ways: it carries no data (variables live in the instance's own scope), its state
changes build no log records, and where it belongs is written on it (`home`, `host`, `flow`) instead of being read off the
shape of the tree. So finished tokens can be dropped after every step and the cost of a step does not grow with its history.
"""

from __future__ import annotations

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

    def __init__(self, workflow, spec, *, parent=None, state=TaskState.FUTURE, id: str | None = None, home=None, host=None,
                 flow=None, listens=False, memo=None):
        super().__init__(workflow, spec, parent, state, id or workflow.game.new_id())
        self.home, self.host, self.flow, self.listens = home, host, flow, listens
        self.memo = memo or {}  # what the host wants to find again on this token, JSON

    @property
    def key(self) -> str:
        return self.id

    @property
    def element(self):
        return self.task_spec.element

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
