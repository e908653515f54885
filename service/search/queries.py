"""Finding things by what somebody typed, within the person's reach. At most `limit` of each kind, best match first.

A search is a fixed number of statements, whatever was typed and however much there is. A text is looked for from its
rarest piece on, newest ticket first, each compared with its plain text, until there are enough. Surprise: pieces lie by
centre, so the newest of each centre are asked for and laid together; the permission clause stands in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload, object_session, selectinload

from engine.tables import user_task
from service import access
from service.customers.models import Contact, Customer, UnitOccupancy
from service.organisation.models import Centre, Person, Unit
from service.search import rules
from service.search.models import KeyKind, SearchKey, SearchPiece, SearchText, ThingKind
from service.tickets.models import Slip, Ticket

LIMIT = 20
PIECES = 12  # so many pieces of a text are asked how often they occur; the comparison sees to the others
OFTEN = 2000  # a piece is counted up to here
_LAST = "\U0010ffff"


@dataclass(slots=True)
class Found:
    """What one box found. `exact` are those of the tickets whose number, or slip's number, was typed in full."""

    units: list[Unit] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    exact: list[Ticket] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.units or self.customers or self.contacts or self.tickets)

    def __iter__(self) -> Iterator[Unit | Customer | Contact | Ticket]:
        """Everything in the order in which it is shown: exact number, units, people, companies, tickets newest first."""
        yield from self.exact
        yield from self.units
        yield from self.contacts
        yield from self.customers
        yield from (t for t in self.tickets if t not in self.exact)


def find(person: Person, text: str, now=None, limit: int = LIMIT) -> Found:
    """Units, customers, contacts and tickets that the text leads to and that the person may see."""
    session, mine = object_session(person), access.reach(person, now)
    centres = _centres(session, mine) if rules.terms(text) else []
    if not centres:
        return Found()
    exact, tickets = _tickets(session, text, mine, centres, limit, now)
    return Found(
        _units(session, text, mine, centres, limit),
        _named(session, Customer, text, mine, centres, limit),
        _named(session, Contact, text, mine, centres, limit),
        tickets,
        exact,
    )


def ids(text: str, thing: ThingKind, centres: Sequence[int] | None = None) -> sa.Select | sa.CompoundSelect:
    """The select of the ids of all things that the text leads to, for `id.in_(...)`; of nothing for an empty text.

    Without `centres` it looks in all of them; who may see what is the caller's question.
    """
    centres = sa.select(Centre.id) if centres is None else centres
    ways = _ticket_ways(text, centres) if thing is ThingKind.TICKET else _key_ways(text, thing, centres)
    return sa.union(*ways) if ways else sa.select(Centre.id).where(sa.false())


def _centres(session: Session, mine: access.Reach) -> list[int]:
    """Where the person may see anything at all: in the centres of their roles, and where they have or had a task."""
    theirs = user_task.c.assignee.in_(mine.usernames), user_task.c.centre_id == Centre.id
    one = sa.select(user_task.c.centre_id).where(*theirs).limit(1).scalar_subquery()  # exists would read all of them
    reached = sa.true() if mine.company_wide else sa.or_(Centre.id.in_(mine.centre_ids), one.is_not(None))
    return list(session.scalars(sa.select(Centre.id).where(reached).order_by(Centre.id))) if mine.grants else []


# --- units, customers, contacts ---------------------------------------------------------------------------------------


def _units(session: Session, text: str, mine: access.Reach, centres: list[int], limit: int) -> list[Unit]:
    bare = rules.unit_asks(text)
    if not bare:
        return []
    exact = sa.select(SearchKey.thing_id).where(
        *_matches(SearchKey, rules.Ask(KeyKind.CODE, bare, False), ThingKind.UNIT, centres)
    )
    return list(
        session.scalars(
            sa.select(Unit)
            .where(
                Unit.id.in_(ids(text, ThingKind.UNIT, centres)),
                access.centre_filter(mine, "see units", Unit.centre_id),
            )
            .options(joinedload(Unit.building))
            .order_by(sa.case((Unit.id.in_(exact), 0), else_=1), Unit.code, Unit.id)
            .limit(limit)
        )
    )


_WITH = {
    Customer: (selectinload(Customer.occupancies).joinedload(UnitOccupancy.unit),),
    Contact: (joinedload(Contact.customer), joinedload(Contact.unit)),
}
_FIRST = {Customer: (Customer.active.desc(), Customer.vip.desc()), Contact: (Contact.active.desc(),)}


def _named(session: Session, table, text: str, mine: access.Reach, centres: list[int], limit: int) -> list:
    found = ids(text, ThingKind(table.__tablename__), centres)
    return list(
        session.scalars(
            sa.select(table)
            .where(table.id.in_(found), access.centre_filter(mine, "see customers", table.centre_id))
            .options(*_WITH[table])
            .order_by(*_FIRST[table], table.name, table.id)
            .limit(limit)
        )
    )


def _key_ways(text: str, thing: ThingKind, centres) -> list[sa.Select]:
    if thing is ThingKind.UNIT:
        bare = rules.unit_asks(text)
        asks = [rules.Ask(KeyKind.CODE, bare, True)] if bare else []
    else:
        asks = rules.name_asks(text)
    ways = [sa.select(SearchKey.thing_id).where(*_matches(SearchKey, ask, thing, centres)) for ask in asks]
    if thing is not ThingKind.UNIT and (terms := rules.terms(text)):
        ways.append(_by_name(terms, thing, centres))
    return ways


def _by_name(terms: list[str], thing: ThingKind, centres) -> sa.Select:
    """Names with all pieces of all terms, compared as a whole where a term is more than a piece."""
    pieces = list(dict.fromkeys(p for term in terms for p in rules.asked_pieces(term)))[:PIECES]
    first, *others = (rules.Ask(KeyKind.TEXT, piece, False) for piece in pieces)
    found = sa.select(SearchKey.thing_id).where(*_matches(SearchKey, first, thing, centres))
    for ask in others:
        other = aliased(SearchKey)
        found = found.where(
            SearchKey.thing_id.in_(sa.select(other.thing_id).where(*_matches(other, ask, thing, centres)))
        )
    for term in terms:
        if len(term) > 2:
            whole = aliased(SearchKey)
            name = (whole.thing == thing, whole.thing_id == SearchKey.thing_id, whole.kind == KeyKind.TEXT)
            found = found.where(sa.exists().where(*name, whole.key.like(f"{rules.WHOLE}%{term}%")))
    return found


def _matches(table, ask: rules.Ask, thing: ThingKind, centres) -> list:
    key = sa.and_(table.key >= ask.key, table.key < ask.key + _LAST) if ask.beginning else table.key == ask.key
    return [table.centre_id.in_(centres), table.kind == ask.kind, key, table.thing == thing]


# --- tickets ----------------------------------------------------------------------------------------------------------


def _tickets(
    session: Session, text: str, mine: access.Reach, centres: list[int], limit: int, now
) -> tuple[list[Ticket], list[Ticket]]:
    """The tickets whose number was typed in full; all tickets found, those first, then the newest."""
    year = (now or session.info["clock"].now()).astimezone(ZoneInfo(session.info.get("zone", "Asia/Shanghai"))).year
    numbers, terms = rules.numbers(text, year), rules.terms(text)
    rarest = _rarest(session, terms, centres)
    seen = access.ticket_filter(mine)
    ways = [_exact(numbers, seen).limit(limit)] if numbers.tickets or numbers.slips else []
    for centre in centres:
        ways += [way.where(seen).limit(limit) for way in _number_ways(numbers, [centre], newest=True)]
        if rarest is not None:
            ways.append(
                _text_way(rarest, terms, [centre]).where(seen).order_by(SearchPiece.ticket_id.desc()).limit(limit)
            )
    if not ways:
        return [], []
    rows = session.execute(sa.union_all(*(sa.select(way.subquery()) for way in ways))).all()
    exact = {id for id, how in rows if how}
    order = sorted({id for id, _ in rows}, key=lambda id: (id in exact, id), reverse=True)[:limit]
    loaded = session.scalars(
        sa.select(Ticket).where(Ticket.id.in_(order)).options(joinedload(Ticket.unit), joinedload(Ticket.customer))
    )
    by_id = {t.id: t for t in loaded}
    tickets = [by_id[id] for id in order]
    return [t for t in tickets if t.id in exact], tickets


def _rarest(session: Session, terms: list[str], centres: list[int]) -> str | None:
    """The piece of the terms that the fewest tickets have, each counted up to OFTEN; None where one has none."""
    pieces = list(dict.fromkeys(p for term in terms for p in rules.asked_pieces(term)))[:PIECES]
    if len(pieces) == 1:
        return pieces[0]
    counts = session.execute(sa.select(*(_how_often(piece, centres) for piece in pieces))).one()
    least = min(counts)
    return pieces[counts.index(least)] if least else None


def _how_often(piece: str, centres: list[int]) -> sa.ScalarSelect:
    some = sa.select(SearchPiece.ticket_id).where(SearchPiece.centre_id.in_(centres), SearchPiece.piece == piece)
    return sa.select(sa.func.count()).select_from(some.limit(OFTEN).subquery()).scalar_subquery()


def _exact(numbers: rules.Numbers, seen) -> sa.Select:
    typed = sa.union(
        sa.select(Ticket.id).where(Ticket.number.in_(numbers.tickets)),
        sa.select(Slip.ticket_id).where(Slip.number.in_(numbers.slips)),
    )
    return sa.select(Ticket.id.label("ticket_id"), sa.literal(1).label("exact")).where(Ticket.id.in_(typed), seen)


def _number_ways(numbers: rules.Numbers, centres, newest: bool = False) -> list[sa.Select]:
    """Tickets whose number begins or ends as typed. Of beginnings the highest numbers come first, of tails the newest."""
    ways = []
    for key, order in (
        (numbers.beginning and rules.NUMBER + numbers.beginning, SearchPiece.piece.desc()),
        (numbers.tail and rules.TAIL + numbers.tail, SearchPiece.ticket_id.desc()),
    ):
        if not key:
            continue
        way = _of_tickets(sa.and_(SearchPiece.piece >= key, SearchPiece.piece < key + _LAST), centres)
        if numbers.count is not None:
            way = way.where(sa.exists().where(Slip.ticket_id == SearchPiece.ticket_id, Slip.count == numbers.count))
        ways.append(way.order_by(order) if newest else way)
    return ways


def _text_way(piece: str, terms: list[str], centres) -> sa.Select:
    """Tickets with this piece in whose text all terms stand.

    The text is asked for ticket by ticket: joined, PostgreSQL would rather read all texts than stop at the first twenty.
    """
    text = sa.select(SearchText.text).where(SearchText.ticket_id == SearchPiece.ticket_id).scalar_subquery()
    stand_in = (text.like(f"%{term}%") for term in terms)  # a term is letters, digits and blanks
    return _of_tickets(SearchPiece.piece == piece, centres).where(*stand_in)


def _of_tickets(matches, centres) -> sa.Select:
    return (
        sa.select(SearchPiece.ticket_id, sa.literal(0).label("exact"))
        .join(Ticket, Ticket.id == SearchPiece.ticket_id)
        .where(SearchPiece.centre_id.in_(centres), matches)
    )


def _ticket_ways(text: str, centres) -> list[sa.Select]:
    """As `find` looks for tickets, all of them and by anybody; a number without its year is then only a tail."""
    numbers, terms = rules.numbers(text, 0), rules.terms(text)
    ways = [way.with_only_columns(SearchPiece.ticket_id) for way in _number_ways(numbers, centres)]
    if numbers.slips:
        ways.append(sa.select(Slip.ticket_id).where(Slip.number.in_(numbers.slips)))
    if terms:
        piece = max(rules.asked_pieces(terms[0]), key=len)
        ways.append(_text_way(piece, terms, centres).with_only_columns(SearchPiece.ticket_id))
    return ways
