"""What all tests share: both databases, a frozen clock, the engine, a browser, and one printed seed.

A test that asks for `database` (or anything built on it) runs once on SQLite and once on PostgreSQL, each time on a fresh
copy of a database that already has its tables. Surprise: the parts of the project are imported when a fixture needs them,
so tests of one room run while another is being rebuilt.
"""

from __future__ import annotations

import random
import shutil
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests import memory

DATABASES = ("sqlite", "postgresql")
ROOT = Path(__file__).resolve().parent.parent
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
FRIDAY_EVENING = datetime(2026, 11, 20, 17, 45, tzinfo=CHINA)  # fifteen minutes before the centre closes

# Chromium takes the last list that it is given: Playwright's own, and two features that draw a page of their own for each page opened.
_OFF = ["AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
        "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying",
        "OptimizationHints", "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning",
        "PreloadTopChromeWebUI", "SpareRendererForSitePerProcess"]
# The network is not the tests' business: without these Chromium looks for updates and hosts at every start.
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
            "--disable-dev-shm-usage", "--lang=zh-CN", f"--disable-features={','.join(_OFF)}"]


def chromium() -> str | None:
    """The Chromium to test with: the build without windows, which draws none of the browser's own pages, else the whole one."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def pytest_addoption(parser):
    group = parser.getgroup("zhiban")
    group.addoption("--full", action="store_true", help="the big tests in full length instead of a sample")
    group.addoption("--databases", default=",".join(DATABASES), help="which databases to test on (sqlite,postgresql)")
    group.addoption("--seed", type=int, default=None, help="repeats a run's random choices; each run prints its seed")


def pytest_configure(config):
    # Chosen once, in the process that starts the workers: xdist hands the options on to them.
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(1_000_000)
    if getattr(config.option, "hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(config.option.seed)
    _hypothesis_profile(full=config.option.full)
    if not hasattr(config, "workerinput") and (folder := memory.move_in()):  # the workers inherit it
        config.add_cleanup(lambda: memory.move_out(folder))


def _hypothesis_profile(full: bool) -> None:
    from hypothesis import HealthCheck, settings

    # No deadline: two workers share two cores. Fixtures are fresh per test, not per example, which property tests here know.
    settings.register_profile("sample", deadline=None, max_examples=50, database=None, print_blob=True,
                              suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    settings.register_profile("full", settings.get_profile("sample"), max_examples=2000)
    settings.load_profile("full" if full else "sample")


def pytest_report_header(config):
    return f"seed: {config.option.seed}, databases: {config.option.databases}"


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line(f"seed of this run: {config.option.seed}")


def pytest_generate_tests(metafunc):
    if "database_kind" not in metafunc.fixturenames:
        return
    wanted = [kind for kind in metafunc.config.option.databases.split(",") if kind in DATABASES]
    for mark in metafunc.definition.iter_markers("databases"):
        wanted = [kind for kind in wanted if kind in mark.args]
    metafunc.parametrize("database_kind", wanted, scope="session")


# --- size and chance ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def full(pytestconfig) -> bool:
    """Whether the long form of the big tests was asked for."""
    return pytestconfig.option.full


@pytest.fixture(scope="session")
def seed(pytestconfig) -> int:
    """The seed of this run."""
    return pytestconfig.option.seed


@pytest.fixture
def chance(seed, request) -> random.Random:
    """Random choices of one test, the same again for the same seed and test."""
    return random.Random(f"{seed} {request.node.nodeid}")


# --- databases ---------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of this test process, started when first asked for."""
    from tests.postgres import Cluster

    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def copies(database_kind, request, tmp_path_factory):
    """How databases are made cheaply: `template(name, fill)` once, then `copy(template)` per test.

    pytest makes a session's fixtures anew each time it comes back to a kind of database; what was made stays.
    """
    if database_kind not in _COPIES:
        _COPIES[database_kind] = (Files(tmp_path_factory.mktemp("databases")) if database_kind == "sqlite"
                                  else Databases(request.getfixturevalue("postgres")))
    return _COPIES[database_kind]


_COPIES: dict[str, Files | Databases] = {}  # by kind, for the life of this test process


class Files:
    """SQLite databases, copied as files."""

    def __init__(self, folder: Path):
        self.folder, self.count, self.made = folder, 0, set()

    def template(self, name: str, fill) -> str:
        if name not in self.made:
            fill(self._url(f"template-{name}"))
            self.made.add(name)
        return f"template-{name}"

    def copy(self, template: str) -> str:
        self.count += 1
        shutil.copyfile(self.folder / f"{template}.db", self.folder / f"{self.count}.db")
        return self._url(str(self.count))

    def drop(self, url: str) -> None:
        for leftover in self.folder.glob(Path(url).name + "*"):
            leftover.unlink()

    def _url(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}.db"


class Databases:
    """PostgreSQL databases, copied by the server."""

    def __init__(self, cluster):
        self.cluster, self.made = cluster, set()

    def template(self, name: str, fill) -> str:
        made = f"template_{name}"
        if name not in self.made:
            self.cluster.drop(made)  # one that was left half filled
            fill(self.cluster.url(self.cluster.create(name=made)))
            self.made.add(name)
        return made

    def copy(self, template: str) -> str:
        return self.cluster.url(self.cluster.create(template=template))

    def drop(self, url: str) -> None:
        self.cluster.drop(url.split("@/")[1].split("?")[0])


@pytest.fixture(scope="session")
def empty_template(copies) -> str:
    """A database with all tables and no rows."""
    return copies.template("empty", _create_tables)


@pytest.fixture(scope="session")
def centre_template(copies, tmp_path_factory) -> str:
    """The demo centre with its cast, units and customers, and the shipped procedures in force. No tickets."""
    return copies.template("centre", lambda url: _found_centre(url, tmp_path_factory.mktemp("centre")))


@pytest.fixture
def database_url(copies, empty_template) -> str:
    """The address of a fresh database with all tables and no rows."""
    url = copies.copy(empty_template)
    yield url
    copies.drop(url)


@pytest.fixture
def database(database_url):
    """The database as the project connects to it (a SQLAlchemy engine)."""
    opened = _connect(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def statements(database):
    """Every statement that reaches the test's database from now on, whichever way it goes there; clear it to count one action."""
    from sqlalchemy import event

    from engine.sql import observers

    found = []

    def note(statement: str) -> None:
        if not statement.startswith(("BEGIN", "SET", "PRAGMA")):
            found.append(statement)

    event.listen(database, "before_cursor_execute", lambda connection, cursor, statement, *rest: note(statement))
    observers.append(note)
    yield found
    observers.remove(note)


def _connect(url: str):
    from sqlalchemy import event

    from service import db

    opened = db.connect(url)
    if opened.dialect.name == "sqlite":  # as with PostgreSQL here: safe against a killed process, not against a power cut
        event.listen(opened, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return opened


def _create_tables(url: str) -> None:
    """By the same schema steps that an installation takes."""
    from service import db

    opened = _connect(url)
    db.upgrade(opened)
    opened.dispose()


def _found_centre(url: str, folder: Path) -> None:
    from service import app as service
    from service import demo

    _create_tables(url)
    made = _app(url, folder)
    service.deploy_all(made, ROOT / "bpmn")
    demo.build(made)
    made.database.dispose()


def _app(url: str, folder: Path, clock=None):
    from engine.clock import FrozenClock
    from service import app as service
    from service.settings import Settings

    settings = Settings(var_dir=folder / "var", database_url=url, secret_key="only for tests", undo_seconds=0)
    return service.create(settings, clock=clock or FrozenClock(FRIDAY_EVENING), database=_connect(url))


# --- time, engine, application -----------------------------------------------------------------------------------------

@pytest.fixture
def clock():
    """Friday 2026-11-20, 17:45 in Shanghai, until a test moves it."""
    from engine.clock import FrozenClock

    return FrozenClock(FRIDAY_EVENING)


@pytest.fixture
def operations():
    """An empty registry: a test registers the operations its diagram calls."""
    from engine.operations import Registry

    return Registry()


@pytest.fixture
def engine(database, clock, operations):
    """The engine alone, without any domain."""
    from engine.api import Engine

    return Engine(database, clock=clock, operations=operations)


@pytest.fixture
def app(database_url, clock, tmp_path):
    """The service on an empty installation: tables, but neither people nor procedures."""
    made = _app(database_url, tmp_path, clock)
    yield made
    made.database.dispose()


@pytest.fixture
def centre(copies, centre_template, clock, tmp_path):
    """The service of the demo centre: the named cast with logins, units and customers, the shipped procedures in force."""
    url = copies.copy(centre_template)
    made = _app(url, tmp_path, clock)
    yield made
    made.database.dispose()
    copies.drop(url)


@pytest.fixture
def world(centre):
    """The ids of the centre's people, units and buildings (service.demo.World)."""
    from service import demo

    return demo.world(centre)


# --- browser -----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, one per test process."""
    from playwright.sync_api import sync_playwright

    if not (path := chromium()):
        pytest.fail("no Chromium found; `make test` installs it, or install the Debian package chromium")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def new_page(browser):
    """Opens pages as different people or devices: `new_page(width=390)`. A script error on any of them fails the test."""
    contexts, faults = [], []

    def open_page(width: int = 1280, height: int = 800, **options):
        context = browser.new_context(viewport={"width": width, "height": height},
                                      **{"locale": "zh-CN", "timezone_id": "Asia/Shanghai", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, "the page's scripts failed: " + "; ".join(faults)


@pytest.fixture
def page(new_page):
    """A page on a desk's screen."""
    return new_page()


@pytest.fixture
def phone(new_page):
    """A page on a telephone's screen."""
    return new_page(width=390, height=844, has_touch=True, is_mobile=True)


@pytest.fixture
def serve():
    """Serves a WSGI application on a free loopback port: `address = serve(flask_app)`."""
    from werkzeug.serving import make_server

    servers = []

    def start(application) -> str:
        server = make_server("127.0.0.1", 0, application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT
