"""`zhiban`: every command of an installation. Each reads the settings, does one thing through the service, and ends.

Surprise: `serve` starts web and clock as processes of their own and starts a dead one again; the parent does nothing
else.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import DefinitionRefused, EngineError
from service.errors import ServiceError
from service.settings import Settings, load

BAR = 40  # characters of a progress bar
COMING_UP_SECONDS = 60  # how long a clock may take until it moves for the first time


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return options.run(options) or 0
    except DefinitionRefused as error:
        print(error, file=sys.stderr)
        return 1
    except (ServiceError, EngineError) as error:
        print(f"zhiban: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zhiban", description="Runs the written operating procedure of a property operation centre."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    for name, run, text in (
        ("serve", _serve, "Serve the application: web and clock, each its own process."),
        ("web", _web, "Serve the pages only."),
    ):
        sub = command(name, run, text)
        sub.add_argument("--host", help="address to listen on (setting host)")
        sub.add_argument("--port", type=int, help="port to listen on (setting port)")
        sub.add_argument("--certfile", help="TLS certificate; makes the pages https")
        sub.add_argument("--keyfile", help="key of the TLS certificate")
    sub = command("clock", _clock, "Run the clock only: due limits, notices, housekeeping. Any number may run.")
    sub.add_argument("--pulse", type=int, help=argparse.SUPPRESS)  # an open file that it touches while it lives

    sub = command("db", _db, "Steps of the database's schema.")
    sub.add_argument(
        "step", choices=["upgrade", "revision"], help="upgrade: bring it to the newest; revision: where it stands"
    )
    sub = command("deploy", _deploy, "Check procedures and put them in force, all or none.")
    sub.add_argument(
        "path", type=Path, nargs="?", help="a procedure's folder, or one that holds several (setting bpmn_dir)"
    )
    sub.add_argument(
        "--if-new", action="store_true", help="leave alone what was deployed before, whatever is in force now"
    )
    sub = command(
        "check", _check, "Check procedures, or a lone diagram, table, form. One line per fault; exit 1 if there is one."
    )
    sub.add_argument("path", type=Path, nargs="+")
    sub.add_argument("--people", action="store_true", help="also warn of tasks that nobody of today could take (asks the database)")
    sub = command("scenario", _scenario, "Play the procedures' scenario files in virtual time.")
    sub.add_argument("key", nargs="*", help="procedures to play; all without")
    sub.add_argument("--coverage", action="store_true", help="say which elements, flows and table rows no story passes")
    sub.add_argument("--from", dest="path", type=Path, help="folder of the procedures (setting bpmn_dir)")
    sub = command("demo", _demo, "Fill an empty installation with the demo centre, its people and their last days' requests.")
    sub.add_argument("--size", type=int, default=200, help="requests to live, about; from 1000 on, thirty days")
    sub.add_argument("--if-empty", action="store_true", help="do nothing where there is data already")
    sub = command("timetable", _timetable, "What of a week's plan started by itself: patrols, shifts, rounds, reviews.")
    sub.add_argument("--week", default="", help="2026-W19 or any day of the week (2026-05-06); the present one without")
    sub.add_argument("--centre", help="id or name of the operation centre; all without")
    sub.add_argument("--language", choices=["zh", "en"], help="zh or en; without, as the terminal is set (LANG)")
    sub = command(
        "import", _import, "Bring units with their customers, or staff, in from an Excel file: all of it or nothing."
    )
    sub.add_argument("kind", choices=["units", "people"])
    sub.add_argument("path", type=Path, metavar="FILE.xlsx")
    sub.add_argument("--dry-run", action="store_true", help="only say what it would do")
    sub.add_argument("--centre", help="id or name of the operation centre, where there are several")
    command("verify", _verify, "Look for altered, removed or added events in all chains of the trace, and for altered signed reviews.")
    command("doctor", _doctor, "Say how the installation is, and list every setting.")
    sub = command("login-code", _login_code, "A one-time code that sets a person's password within 24 hours.")
    sub.add_argument("username")
    return parser


def _app(settings: Settings | None = None):
    from service import app

    return app.create(settings or load())


# --- serving ----------------------------------------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> int:
    _to_environment(options)
    settings = load()
    _prepare(settings)
    children = {name: None for name in ("web", "clock")}
    stopping = [False]

    def stop(*_):
        stopping[0] = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    scheme = "https" if settings.certfile else "http"
    print(f"Zhiban is at {scheme}://{settings.host}:{settings.port} (Ctrl-C stops it)", flush=True)
    try:
        _keep_running(children, stopping, settings.silent_seconds)
    finally:
        _stop(children)
    return 0


def _to_environment(options: argparse.Namespace) -> None:
    """Options become settings of this process and of its children."""
    for name in ("host", "port", "certfile", "keyfile"):
        if getattr(options, name) is not None:
            os.environ[f"ZHIBAN_{name.upper()}"] = str(getattr(options, name))
    if os.environ.get("ZHIBAN_CERTFILE"):
        os.environ.setdefault("ZHIBAN_SECURE_COOKIES", "true")


def _prepare(settings: Settings) -> None:
    """Schema, shipped procedures, and a word about the demo's logins, before anything is served."""
    from service import app as service
    from service import db, demo

    app = _app(settings)
    db.upgrade(app.database)
    if settings.bpmn_dir.is_dir():
        for deployed in service.deploy_all(app, settings.bpmn_dir, if_new=True):
            if deployed.changed:
                print(f"{deployed.key}: version {deployed.version} is in force")
    if demo.has_demo_logins(app):
        print("Demo logins: " + ", ".join(demo.LOGINS) + f"; password {demo.PASSWORD}")
    app.database.dispose()
    app.engine.feel.close()


def _keep_running(children: dict, stopping: list[bool], silent_seconds: int) -> None:
    """Start what does not run; a child that dies again and again waits a little longer each time. A clock that stands
    still is ended: on SQLite one that stopped in a step keeps everybody from writing (F5). The web's own parent does
    the same for its workers.
    """
    waits = dict.fromkeys(children, 0.0)
    started = dict.fromkeys(children, 0.0)
    pulse = tempfile.TemporaryFile()  # noqa: SIM115 - as long as we live
    while not stopping[0]:
        now = time.monotonic()
        for name, child in children.items():
            if child is not None and child.poll() is None:
                if name == "clock" and _silent_for(pulse.fileno(), started[name]) > silent_seconds:
                    print(f"zhiban: the clock is silent for {silent_seconds} s and is ended", file=sys.stderr)
                    child.kill()
                continue
            if child is not None:
                waits[name] = 1.0 if now - started[name] > 60 else min(30.0, waits[name] * 2 or 1.0)
                print(
                    f"zhiban: {name} ended with code {child.returncode}; it starts again in {waits[name]:.0f} s",
                    file=sys.stderr,
                )
                children[name] = None
                started[name] = now + waits[name]
            if now >= started[name]:
                # A session of its own: Ctrl-C reaches the parent only, which then ends the children in order.
                more = ["--pulse", str(pulse.fileno())] if name == "clock" else []
                os.utime(pulse.fileno(), (now, now))
                children[name] = subprocess.Popen(
                    [sys.executable, "-m", "webui.cli", name, *more],
                    start_new_session=True,
                    preexec_fn=_end_with_parent,  # noqa: PLW1509  (this process has one thread)
                    pass_fds=[pulse.fileno()],
                )
                started[name] = now
        time.sleep(0.2)


def _silent_for(pulse: int, started: float) -> float:
    """Seconds since the clock last moved; while it has not moved at all it is given time to come up."""
    moved = os.fstat(pulse).st_mtime - started > 0.1
    return time.monotonic() - (os.fstat(pulse).st_mtime if moved else started + COMING_UP_SECONDS)


def _end_with_parent() -> None:
    """Linux ends the child when its parent dies, however it dies; elsewhere an orphan has to be ended by hand."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _stop(children: dict) -> None:
    running = [c for c in children.values() if c is not None and c.poll() is None]
    for child in running:
        child.terminate()
    deadline = time.monotonic() + 15
    for child in running:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _web(options: argparse.Namespace) -> int:
    _to_environment(options)
    settings = load()
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        """gunicorn, configured from our settings instead of its own files."""

        def load_config(self) -> None:
            for name, value in _gunicorn(settings).items():
                self.cfg.set(name, value)

        def load(self):
            from service.app import warm
            from webui.app import create_app
            from webui.slots import share

            share()
            web = create_app()
            warm(web.extensions["zhiban"])
            return web

    Server().run()
    return 0


def _gunicorn(settings: Settings) -> dict:
    values = {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "worker_class": "gthread",
        "timeout": settings.silent_seconds,
        "graceful_timeout": 10,
        "keepalive": 5,
        "max_requests": 20_000,
        "max_requests_jitter": 2_000,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "limit_request_line": 4094,
        "limit_request_fields": 60,
        "proc_name": "zhiban-web",
        "control_socket_disable": True,
    }
    if settings.certfile:
        values |= {"certfile": settings.certfile, "keyfile": settings.keyfile or None}
    from gunicorn.config import make_settings

    known = make_settings()
    return {name: value for name, value in values.items() if name in known}


def _clock(options: argparse.Namespace) -> int:
    from service import scheduler

    return scheduler.run(_app(), options.pulse)


# --- database, procedures ---------------------------------------------------------------------------------------------


def _db(options: argparse.Namespace) -> int:
    from service import db

    app = _app()
    if options.step == "upgrade":
        db.upgrade(app.database)
    print(f"schema: {db.revision_of(app.database) or 'empty'} (newest {db.newest_revision()})")
    return 0


def _deploy(options: argparse.Namespace) -> int:
    from service import app as service

    app = _app()
    for deployed in service.deploy_all(app, options.path or app.settings.bpmn_dir, if_new=options.if_new):
        state = "is in force" if deployed.changed else "was deployed already"
        print(f"{deployed.key}: version {deployed.version} {state} ({deployed.hash[:12]})")
    return 0


def _check(options: argparse.Namespace) -> int:
    from engine import checks
    from engine.definitions import read_folder
    from service import app as service
    from service import operations
    from service.organisation.models import Role

    faults, procedures = [], []
    for path in options.path:
        if path.is_dir():
            procedures += [read_folder(folder) for folder in service.procedure_folders(path)]
        elif path.is_file():
            faults += checks.check_file(path.name, path.read_bytes())
        else:
            print(f"{path}: -: There is no such file or folder. Check the path.", file=sys.stderr)
            return 2
    known = {p.key for p in procedures} | _shipped(load().bpmn_dir)
    faults += checks.check_all(
        procedures,
        operations=operations.registry,
        functions=operations.functions,
        roles=[str(r) for r in Role],
        known_processes=known,
        people_in=_people_of_today() if options.people else None,
    )
    for fault in faults:
        print(f"{'warning: ' if fault.warning else ''}{fault}")
    return 1 if any(not f.warning for f in faults) else 0


def _people_of_today():
    """group -> how many people have it today, by the installation's database."""
    from service.organisation import queries

    app = _app()
    with app.session() as session:
        return queries.headcount(session, app.now().astimezone(ZoneInfo(app.settings.zone)).date())


def _shipped(folder: Path) -> set[str]:
    """Keys of the procedures that are shipped: a single folder may call them."""
    return {p.name for p in folder.iterdir() if p.is_dir()} if folder.is_dir() else set()


def _scenario(options: argparse.Namespace) -> int:
    from service import rehearsal

    root, failed, played = options.path or load().bpmn_dir, 0, {}
    logging.getLogger("zhiban").setLevel(logging.ERROR)
    for procedure, report in rehearsal.play_all(root, options.key):
        print(f"{'ok  ' if report.ok else 'FAIL'} {report.key}/{report.name}: {report.title}")
        for fault in report.faults:
            print(f"       {fault}")
        failed += not report.ok
        played.setdefault(procedure.key, (procedure, []))[1].append(report)
    if options.key and (unknown := set(options.key) - set(played)):
        print(f"zhiban: no scenarios of {', '.join(sorted(unknown))} under {root}", file=sys.stderr)
        return 2
    if options.coverage:
        _print_coverage(played)
    print(f"{sum(len(r) for _, r in played.values())} scenarios, {failed} failed")
    return 1 if failed else 0


def _print_coverage(played: dict) -> None:
    from service import rehearsal

    reports = [r for _, rs in played.values() for r in rs]
    for key, (procedure, _) in played.items():
        missing = rehearsal.not_covered(procedure, reports)
        spots = len(procedure.diagram.elements) + len(procedure.diagram.flows)
        print(
            f"{key}: {spots - len(missing)} of {spots} elements and flows passed"
            + (f"; not {', '.join(missing)}" if missing else "")
        )
        rows, not_hit = rehearsal.table_rows(procedure), rehearsal.rows_not_hit(procedure, reports)
        if rows:
            print(
                f"{key}: {len(rows) - len(not_hit)} of {len(rows)} table rows hit"
                + (f"; not {', '.join(f'{table} {row}' for table, row in not_hit)}" if not_hit else "")
            )


# --- data and state ---------------------------------------------------------------------------------------------------


def _demo(options: argparse.Namespace) -> int:
    from service import db, demo

    app = _app()
    db.upgrade(app.database)
    logging.getLogger("zhiban").setLevel(logging.ERROR)  # two hundred lived requests would fill the screen
    if options.if_empty:
        filled = demo.fill_if_empty(app, options.size, _bar())
    else:
        filled = demo.fill(app, options.size, _bar())
    if filled is None:
        print("This installation has data already; nothing was changed.")
        return 0
    print(f"Demo centre with {filled.people} people, {filled.units} units, {filled.tickets} requests ({filled.seconds:.0f} s).")
    print("Logins: " + ", ".join(demo.LOGINS) + f"; password {demo.PASSWORD}")
    return 0


def _timetable(options: argparse.Namespace) -> int:
    import sqlalchemy as sa

    from service.calendars.queries import calendar_of
    from service.exchange.importing import centre_named
    from service.organisation.models import Centre
    from webui import i18n
    from webui.views import timetable

    app = _app()
    here = Centre.id == centre_named(app, options.centre).id if options.centre else Centre.active
    language = options.language or _terminal_language()
    with app.session() as session, i18n.words_for_a_terminal(language, session):
        for centre in session.scalars(sa.select(Centre).where(here).order_by(Centre.id)):
            monday = timetable.week_of(options.week, calendar_of(session, centre.id).local(app.now()).date())
            if monday is None:
                print(f"zhiban: {options.week} is no week. Give 2026-W19, or any day of it: 2026-05-06.", file=sys.stderr)
                return 2
            print("\n".join(timetable.lines(session, centre, monday, app.now())), end="\n\n")
    return 0


def _terminal_language() -> str:
    return "zh" if any(os.environ.get(name, "").startswith("zh") for name in ("LC_ALL", "LC_MESSAGES", "LANG")) else "en"


def _bar():
    """Shows how far the demo is: one line that grows on a terminal, a line every tenth elsewhere."""
    terminal, shown = sys.stdout.isatty(), [-1]

    def show(told) -> None:
        done = int(told.share * BAR)
        if terminal or done * 10 // BAR > shown[0] * 10 // BAR:
            at = f"{told.at.astimezone(ZoneInfo('Asia/Shanghai')):%a %d %b %H:%M}" if told.at else "places and people"
            line = f"[{'#' * done}{'.' * (BAR - done)}] {told.share * 100:3.0f} %  {at}"
            print(f"\r{line:<78}" if terminal else line, end="" if terminal and told.share < 1 else "\n", flush=True)
            shown[0] = done

    return show


def _import(options: argparse.Namespace) -> int:
    from service.exchange import importing
    from service.exchange.models import Kind

    if not options.path.is_file():
        print(f"{options.path}: There is no such file. Check the path.", file=sys.stderr)
        return 2
    app, kind = _app(), Kind(options.kind)
    centre = importing.centre_named(app, options.centre)
    tried = importing.bring_in(app, kind, centre.id, options.path.read_bytes(), options.path.name, options.dry_run)
    for line in importing.sentences(kind, tried):
        print(line)
    if tried.plan.faults:
        print("Nothing was taken in. Correct these cells and try again.")
        return 1
    print(
        f"{centre.name}: nothing was written, this was a dry run." if options.dry_run else f"{centre.name}: taken in."
    )
    return 0


def _verify(_options: argparse.Namespace) -> int:
    from service.reviews import queries as reviews

    app = _app()
    faults = app.engine.verify()
    with app.session() as session:
        altered = reviews.verify(session)
    for fault in faults + altered:
        print(fault)
    print(
        "The trace is whole."
        if not faults
        else f"{len(faults)} chains are broken. Keep the database as it is and call the quality department."
    )
    print(
        "Every signed review is as it was signed."
        if not altered
        else f"{len(altered)} signed reviews differ from what was signed. Keep the database as it is and call the quality department."
    )
    return 1 if faults or altered else 0


def _doctor(_options: argparse.Namespace) -> int:
    from service import db
    from service import settings as known
    from service.health.queries import health, lateness
    from service.notifications import channels

    app = _app()
    at, newest = db.revision_of(app.database), db.newest_revision()
    print(
        f"database: {app.database.url.render_as_string(hide_password=True)}, schema {at or 'empty'} (newest {newest})"
    )
    faults = [] if at == newest else ["The schema is not the newest. Run `zhiban db upgrade`."]
    faults += channels.faults(app.settings)
    if at is not None:
        with app.session() as session:
            faults += health(session).faults
            soon, minute, ten, later = lateness(session)
        print(
            f"limits fired in the last 24 hours: {soon} within 10 s of their instant, {minute} within 1 min,"
            f" {ten} within 10 min, {later} later"
        )
    for fault in faults:
        print(f"fault: {fault}")
    for row in known.describe():
        value = getattr(app.settings, row["name"])
        if row["secret"] and value:
            value = "(set)"
        if row["name"] == "database_url" and value:
            value = app.database.url.render_as_string(hide_password=True)
        print(f"  {row['variable']} = {value} {row['unit']}: {row['meaning']}".replace("  :", ":"))
    return 1 if faults else 0


def _login_code(options: argparse.Namespace) -> int:
    from service.auth.actions import issue_code

    print(issue_code(_app(), options.username))
    return 0


if __name__ == "__main__":
    sys.exit(main())
