"""One blueprint per family of screens; this is the list that the application registers."""

from webui.blueprints.auth import auth
from webui.blueprints.board import board
from webui.blueprints.calendar import calendar
from webui.blueprints.desk import desk
from webui.blueprints.drafts import drafts
from webui.blueprints.exchange import exchange
from webui.blueprints.files import files
from webui.blueprints.findings import findings
from webui.blueprints.health import health
from webui.blueprints.incidents import incidents
from webui.blueprints.notices import notices
from webui.blueprints.patrols import patrols
from webui.blueprints.people import people
from webui.blueprints.phone import phone
from webui.blueprints.presence import presence
from webui.blueprints.procedures import procedures
from webui.blueprints.promises import promises
from webui.blueprints.queue import queue
from webui.blueprints.reception import reception
from webui.blueprints.registers import registers
from webui.blueprints.reviews import reviews
from webui.blueprints.rounds import rounds
from webui.blueprints.shifts import shifts
from webui.blueprints.tasks import tasks
from webui.blueprints.tickets import tickets
from webui.blueprints.undo import undo

BLUEPRINTS = (
    auth,
    desk,
    board,
    tasks,
    drafts,
    undo,
    presence,
    tickets,
    queue,
    patrols,
    findings,
    shifts,
    registers,
    reception,
    reviews,
    rounds,
    notices,
    calendar,
    promises,
    exchange,
    files,
    health,
    phone,
    people,
    procedures,
    incidents,
)
