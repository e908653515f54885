"""Logging in and out, and everything that ends a session: logout, time, a changed password, a disabled account, an
administrator.

A session is a row; its id is 256 random bits that only the browser has, the row holds the hash. A new id is made at
every login. Surprise: a wrong password is recorded in a transaction of its own, so that nothing can roll the count
back.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from service.auth import passwords, rules
from service.auth.models import KnownDevice, LoginTry, OneTimeCode, WebSession
from service.auth.passwords import Passwords
from service.errors import LoginRefused, Refused, TooManyTries
from service.organisation.models import Centre, Company, Person, Project
from service.organisation.queries import person_named

CODE_LASTS = timedelta(hours=24)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What the browser gets: the session's token, the device's mark (a long-lived cookie) and the form token."""

    token: str
    device: str
    csrf: str
    person_id: int
    ends_at: datetime


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def hasher(app) -> Passwords:
    """The hasher of this app, made once."""
    if not hasattr(app, "_passwords"):
        app._passwords = Passwords(app.settings.password_memory_mib, app.settings.password_parallel)
    return app._passwords


# --- in and out -------------------------------------------------------------------------------------------------------


def login(
    app,
    username: str,
    password: str,
    *,
    address: str = "",
    device: str | None = None,
    agent: str = "",
    old_token: str | None = None,
) -> LoggedIn:
    """Start a session. Raises LoginRefused, TooManyTries; `device` is the mark of an earlier login on this browser."""
    username, now = username.strip().lower(), app.clock.now()
    with app.session() as session:
        person = person_named(session, username)
        known = (
            person is not None
            and device is not None
            and session.get(KnownDevice, (hashed(device), person.id)) is not None
        )
        refuse_guessing(app, session, username, address, known, now)
        stored = person.password_hash if person is not None and person.active else None
    fits = hasher(app).fits(stored, password)
    with app.writing() as session:
        session.add(LoginTry(account=username[:64], address=address, known_device=known, ok=fits, at=now))
        if fits:
            return _started(
                app,
                session,
                session.get_one(Person, person.id),
                password,
                address,
                device if known else None,
                agent,
                old_token,
            )
    raise LoginRefused()


def refuse_guessing(app, session: Session, account: str, address: str, known: bool, now: datetime) -> None:
    """Raises TooManyTries where too many wrong passwords were given for this account from this address."""
    settings = app.settings
    since = now - timedelta(minutes=settings.login_window_minutes)
    here, this = LoginTry.address == address, LoginTry.account == account[:64]

    def counted(clause):
        return sa.func.coalesce(sa.func.sum(sa.case((clause, 1), else_=0)), 0)

    last_good = sa.select(sa.func.max(LoginTry.at)).where(this, here, LoginTry.ok).scalar_subquery()
    pair = sa.and_(this, here, sa.or_(last_good.is_(None), LoginTry.at > last_good))
    row = session.execute(
        sa.select(counted(pair), counted(here), counted(this), sa.func.min(LoginTry.at)).where(
            LoginTry.at > since, sa.not_(LoginTry.ok), sa.or_(here, this)
        )
    ).one()
    limits = rules.Limits(
        settings.login_tries_per_pair, settings.login_tries_per_address, settings.login_tries_per_account
    )
    if rules.has_to_wait(rules.Failures(*row[:3]), limits, known):
        oldest = row[3] if isinstance(row[3], datetime) else now
        raise TooManyTries(
            max(60, int((oldest + timedelta(minutes=settings.login_window_minutes) - now).total_seconds()))
        )


def _started(
    app,
    session: Session,
    person: Person,
    password: str,
    address: str,
    device: str | None,
    agent: str,
    old_token: str | None,
) -> LoggedIn:
    now, secret = app.clock.now(), hasher(app)
    if secret.outdated(person.password_hash):
        person.password_hash = secret.hash(password)
    if old_token:
        _end(session, WebSession.id_hash == hashed(old_token), "logout", now)
    device = device or secrets.token_urlsafe(32)
    session.merge(KnownDevice(id_hash=hashed(device), person_id=person.id, seen_at=now))
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ends_at = now + timedelta(minutes=app.settings.session_absolute_minutes)
    session.add(
        WebSession(
            id_hash=hashed(token),
            person_id=person.id,
            started_at=now,
            seen_at=now,
            ends_at=ends_at,
            address=address[:64],
            agent=agent[:200],
            csrf=csrf,
            stepped_up_at=now,
        )
    )
    return LoggedIn(token, device, csrf, person.id, ends_at)


def resume(app, session: Session, token: str | None) -> WebSession | None:
    """The live session of a token, with its person in `session`; None when there is none or it has ended.

    A session that ran out is marked ended; `seen_at` moves at most once a minute, so that reading stays reading.
    """
    if not token:
        return None
    row = session.execute(_SESSION, {"id_hash": hashed(token)}).scalar()
    if row is None or row.ended_at is not None or not row.person.active:
        return None
    now = app.clock.now()
    why = rules.why_over(now, row.seen_at, row.ends_at, timedelta(minutes=app.settings.session_idle_minutes))
    if why is not None:
        with app.writing() as writing:
            _end(writing, WebSession.id_hash == row.id_hash, why, now)
        return None
    if now - row.seen_at >= SEEN_EVERY:
        with app.writing() as writing:
            writing.execute(sa.update(WebSession).where(WebSession.id_hash == row.id_hash).values(seen_at=now))
    return row


# With its person in one statement, that is built once; the roles are not asked for here: every request comes by.
_SESSION = (
    sa.select(WebSession)
    .where(WebSession.id_hash == sa.bindparam("id_hash"))
    .options(joinedload(WebSession.person).lazyload(Person.roles))
)


def logout(app, token: str) -> None:
    with app.writing() as session:
        _end(session, WebSession.id_hash == hashed(token), "logout", app.clock.now())


def end_all(app, person_id: int, why: str = "admin", but: str | None = None) -> int:
    """End every session of a person (but the one of token `but`); how many were live."""
    with app.writing() as session:
        clause = WebSession.person_id == person_id
        return _end(
            session, sa.and_(clause, WebSession.id_hash != hashed(but)) if but else clause, why, app.clock.now()
        )


def _end(session: Session, clause, why: str, now: datetime) -> int:
    return session.execute(
        sa.update(WebSession).where(clause, WebSession.ended_at.is_(None)).values(ended_at=now, ended_why=why)
    ).rowcount


# --- passwords --------------------------------------------------------------------------------------------------------


def step_up(app, token: str, password: str, address: str = "") -> bool:
    """Ask for the password again before signing or exporting. Wrong ones count as login tries. Raises TooManyTries."""
    now = app.clock.now()
    with app.session() as session:
        row = session.get(WebSession, hashed(token))
        if row is None or row.ended_at is not None:
            return False
        username, stored = row.person.username, row.person.password_hash
        refuse_guessing(app, session, username, address, True, now)
    fits = hasher(app).fits(stored, password)
    with app.writing() as session:
        session.add(LoginTry(account=username, address=address, known_device=True, ok=fits, at=now))
        if fits:
            session.execute(sa.update(WebSession).where(WebSession.id_hash == hashed(token)).values(stepped_up_at=now))
    return fits


def stepped_up(app, row: WebSession) -> bool:
    """Whether the password was given again recently enough for signing."""
    return row.stepped_up_at is not None and app.clock.now() - row.stepped_up_at <= timedelta(
        minutes=app.settings.step_up_minutes
    )


def change_password(app, person: Person, old: str, new: str, token: str | None = None) -> None:
    """Set a new password; every other session of the person ends. Raises LoginRefused, PasswordRefused."""
    if not hasher(app).fits(person.password_hash, old):
        raise LoginRefused()
    set_password(app, person.id, new, keep_token=token)


def set_password(app, person_id: int, new: str, keep_token: str | None = None) -> None:
    """Set a password by the rules and end the person's sessions (but that of `keep_token`). Raises PasswordRefused."""
    with app.session() as session:
        passwords.check(new, _own_words(app, session, session.get_one(Person, person_id)))
    made = hasher(app).hash(new)
    now = app.clock.now()
    with app.writing() as session:
        session.execute(
            sa.update(Person).where(Person.id == person_id).values(password_hash=made, password_changed_at=now)
        )
        others = WebSession.person_id == person_id
        _end(
            session,
            sa.and_(others, WebSession.id_hash != hashed(keep_token)) if keep_token else others,
            "password",
            now,
        )


def disable(app, person_id: int) -> None:
    """Switch an account off; its sessions end at once."""
    now = app.clock.now()
    with app.writing() as session:
        session.execute(sa.update(Person).where(Person.id == person_id).values(active=False))
        _end(session, WebSession.person_id == person_id, "disabled", now)


def _own_words(app, session: Session, person: Person) -> list[str]:
    names = [n for table in (Company, Project, Centre) for n in session.scalars(sa.select(table.name))]
    return [person.username, person.name, *names, *app.settings.password_words]


# --- one-time codes ---------------------------------------------------------------------------------------------------


def issue_code(app, username: str) -> str:
    """A code that sets this person's password once within 24 hours; earlier codes die."""
    code, now = "-".join(secrets.token_hex(3) for _ in range(4)), app.clock.now()
    with app.writing() as session:
        person = person_named(session, username)
        if person is None:
            raise Refused(f"Nobody is called {username}. Create the person first.", "username")
        session.execute(
            sa.update(OneTimeCode)
            .where(OneTimeCode.person_id == person.id, OneTimeCode.used_at.is_(None))
            .values(used_at=now)
        )
        session.add(OneTimeCode(code_hash=hashed(code), person_id=person.id, made_at=now, ends_at=now + CODE_LASTS))
    return code


def redeem_code(app, code: str, new_password: str, address: str = "") -> int:
    """Set the password that a one-time code stands for; gives the person's id. Raises LoginRefused, PasswordRefused,
    TooManyTries.
    """
    now = app.clock.now()
    with app.session() as session:
        refuse_guessing(app, session, "one-time-code", address, False, now)
        row = session.get(OneTimeCode, hashed(code.strip().lower()))
        good = row is not None and row.used_at is None and row.ends_at > now
        if good:
            passwords.check(new_password, _own_words(app, session, session.get_one(Person, row.person_id)))
    with app.writing() as session:
        taken = (
            good
            and session.execute(
                sa.update(OneTimeCode)
                .where(OneTimeCode.code_hash == row.code_hash, OneTimeCode.used_at.is_(None))
                .values(used_at=now)
            ).rowcount
            == 1
        )
        session.add(LoginTry(account="one-time-code", address=address, known_device=False, ok=taken, at=now))
    if not taken:
        raise LoginRefused()
    set_password(app, row.person_id, new_password)
    return row.person_id


def forget_old(app) -> int:
    """Housekeeping: tries and ended sessions older than 30 days go (the trail of logins is the access log's)."""
    before = app.clock.now() - timedelta(days=30)
    with app.writing() as session:
        tries = session.execute(sa.delete(LoginTry).where(LoginTry.at < before)).rowcount
        return tries + session.execute(sa.delete(WebSession).where(WebSession.ends_at < before)).rowcount
