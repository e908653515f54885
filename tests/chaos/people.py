"""People at browsers: each opens a page, fills its form, sends it with a request id, and sends the same again when no answer comes."""

from __future__ import annotations

import html
import http.client
import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode
from uuid import uuid4

import sqlalchemy as sa

from tests.chaos.checker import Asked
from tests.chaos.stage import PASSWORD

CHINA = timezone(timedelta(hours=8))
TRIES = 60  # of one request; a web that is being started again answers within these
HIDDEN = re.compile(r'name="(csrf_token|seen)" value="([^"]*)"')


class Lost(Exception):
    """No answer came. What was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    where: str
    page: str


class Browser:
    """Cookies and one connection per request, so that an answer is only lost when a process dies."""

    def __init__(self, port: int):
        self.port, self.cookies = port, {}

    def ask(self, method: str, path: str, fields: dict | None = None) -> Answer:
        """Raises Lost."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), "Connection": "close"}
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, urlencode(fields) if fields is not None else None, headers)
            answer = connection.getresponse()
            page = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Lost(str(error)) from error
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(answer.status, answer.headers.get("Location", ""), page)


@dataclass
class Diary:
    """What all people asked, and how it went."""

    asked: list[Asked] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    refusals: Counter = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)  # answers that must not be
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def keep(self, asked: Asked) -> None:
        with self.lock:
            self.asked.append(asked)


class Person(threading.Thread):
    """Works until `over` is set: takes a task from the list, or registers a request, or says something about one."""

    def __init__(self, username: str, roles: set[str], port: int, database: sa.Engine, diary: Diary, over: threading.Event, seed: str):
        super().__init__(name=username, daemon=True)
        self.username, self.roles, self.browser, self.database = username, roles, Browser(port), database
        self.diary, self.over, self.dice = diary, over, random.Random(f"{seed} {username}")
        self.token: dict[str, str] = {}  # of this log-in; a form that needs nothing else from its page is sent without opening it again
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.log_in()
            while not self.over.is_set():
                self.act()
        except Exception as error:  # noqa: BLE001 - told by the test, in its own thread
            self.error = error

    # --- pages ---------------------------------------------------------------------------------------------------------------
    def page(self, path: str) -> Answer:
        """Open a page, again and again while the web is away."""
        for _ in range(TRIES):
            try:
                answer = self.browser.ask("GET", path)
            except Lost:
                time.sleep(self.dice.uniform(0.05, 0.4))
                continue
            if answer.status < 500:
                if answer.status in (302, 303) and "/login" in answer.where:
                    self.log_in()
                    continue
                return answer
            if answer.status != 503:
                self._broken("GET", path, answer)
            time.sleep(self.dice.uniform(0.05, 0.4))
        raise TimeoutError(f"{self.username}: no answer at {path} after {TRIES} tries")

    def log_in(self) -> None:
        for _ in range(TRIES):
            try:
                fields = hidden(self.browser.ask("GET", "/login").page)
                answer = self.browser.ask("POST", "/login", fields | {"username": self.username, "password": PASSWORD})
                if answer.status == 303:
                    self.token = {}
                    return
                self.diary.count(f"login {answer.status}")
            except Lost:
                pass
            time.sleep(self.dice.uniform(0.05, 0.4))
        raise TimeoutError(f"{self.username} cannot log in")

    def send(self, action: str, subject: str, path: str, fields: dict) -> bool:
        """Send a form with a request id; the same again while no answer comes. Sometimes twice at once, as a double click does."""
        request_id = uuid4().hex
        fields = fields | {"request_id": request_id}
        if self.dice.random() < 0.05:
            outcome = self._twice(path, fields)
        else:
            outcome = self._until_answered(path, fields)
        self.diary.keep(Asked(request_id, action, subject, self.username, outcome))
        return outcome == "acknowledged"

    def _until_answered(self, path: str, fields: dict) -> str:
        for _ in range(TRIES):
            try:
                answer = self.browser.ask("POST", path, fields)
            except Lost:
                self.diary.count("lost answers")
                if self.dice.random() < 0.05:
                    return "unanswered"  # they go home
                time.sleep(self.dice.uniform(0.05, 0.4))
                if self._is_done(fields["request_id"]):
                    self.diary.count("done before the answer was lost")
                self.diary.count("retries")
                continue
            if answer.status == 503:
                self.diary.count("asked to come again")
            elif answer.status >= 500:
                self._broken("POST", path, answer)
            if answer.status >= 500:
                time.sleep(self.dice.uniform(0.05, 0.4))
                continue
            return self._outcome(path, answer)
        return "unanswered"

    def _outcome(self, path: str, answer: Answer) -> str:
        if answer.status == 303 and "/login" not in answer.where:
            return "acknowledged"
        with self.diary.lock:
            self.diary.refusals[f"{answer.status} {path.split('/')[1]}: {reason(answer)}"] += 1
        return "refused"

    def _twice(self, path: str, fields: dict) -> str:
        """Both are sent at once; each may be lost, and both get the same answer otherwise."""
        self.diary.count("double clicks")
        outcomes = []

        def click() -> None:
            other = Browser(self.browser.port)
            other.cookies = dict(self.browser.cookies)
            try:
                answer = other.ask("POST", path, fields)
                if answer.status < 500:
                    outcomes.append(self._outcome(path, answer))
                elif answer.status != 503:
                    self._broken("POST", path, answer)
            except Lost:
                pass

        both = [threading.Thread(target=click) for _ in range(2)]
        [one.start() for one in both]
        [one.join() for one in both]
        if "acknowledged" in outcomes:
            if "refused" in outcomes:
                self.diary.broken.append(f"a double click at {path} was acknowledged and refused")
            return "acknowledged"
        return self._until_answered(path, fields)

    def _is_done(self, request_id: str) -> bool:
        with self.database.connect() as connection:
            return any(connection.execute(sa.text(f"select 1 from {table} where request_id = :id"), {"id": request_id}).first()
                       for table in ("command", "answered_request", "ticket"))

    def _broken(self, method: str, path: str, answer: Answer) -> None:
        """Only 503 is allowed of the 5xx: try again, nothing was done."""
        with self.diary.lock:
            self.diary.broken.append(f"{answer.status} at {method} {path} for {self.username}: {reason(answer)}")

    # --- what people do --------------------------------------------------------------------------------------------------------
    def act(self) -> None:
        tasks = self.tasks()
        desk = "specialist" in self.roles
        if desk and (not tasks or len(tasks) < 6 and self.dice.random() < 0.4):
            self.register()
        elif desk and self.dice.random() < 0.2:
            self.talk()
        elif tasks:
            self.do(self.dice.choice(tasks[:8]))
        else:
            time.sleep(0.1)

    def tasks(self) -> list:
        """Open tasks of one's own, and those offered to one's roles; not those that the timetable brings at this time of the day."""
        with self.database.connect() as connection:
            rows = connection.execute(sa.text("select id, element_id, business_key, assignee, groups from user_task where state = 'open'"
                                              " and process_key in ('customer-request', 'escalation') and centre_id = 1"
                                              " order by opened_at")).all()
        return [row for row in rows if row.assignee == self.username or row.assignee is None and self.roles & set(row.groups.split("|"))]

    def register(self) -> None:
        dice = self.dice
        with self.database.connect() as connection:
            unit = dice.choice(connection.execute(sa.text("select id from unit where centre_id = 1 order by id")).scalars().all())
        self.send("register", "ticket", "/register", self.proof("/register") | {
            "unit_id": str(unit), "channel": "phone", "category": dice.choice(["repair", "repair", "complaint", "enquiry", "fees"]),
            "request": "茶水间吊顶滴水，地上湿了", "expectation": "come-now", "reply_deadline_kind": "none",
            "urgency": dice.choice(["urgent", "normal"])} | ({"on_the_spot": "1"} if dice.random() < 0.15 else {}))

    def talk(self) -> None:
        """The customer rings again about an open ticket."""
        with self.database.connect() as connection:
            numbers = connection.execute(sa.text("select number from ticket where closed_at is null order by id desc limit 12")).scalars().all()
        if not numbers:
            return
        number = self.dice.choice(numbers)
        what, fields = self.dice.choice([
            ("urge", {"text": "还在滴"}), ("urge", {"text": "下午有会"}), ("information", {"text": "钥匙在前台"}), ("help", {"question": "要停整栋水"}),
            ("promise", {"text": "五点前回电", "due_at": f"{datetime.now(CHINA) + timedelta(hours=3):%Y-%m-%dT%H:%M}"}),
            ("withdraw", {"reason": "自己修好了"})])
        self.send("promise" if what == "promise" else "message", number, f"/tickets/{number}/{what}", self.proof(f"/tickets/{number}") | fields)

    def proof(self, path: str) -> dict[str, str]:
        """The log-in's form token, from the page where it is not known yet."""
        self.token = self.token or {k: v for k, v in hidden(self.page(path).page).items() if k == "csrf_token"}
        return self.token

    def do(self, task) -> None:
        page = self.page(f"/tasks/{task.id}")
        fields = hidden(page.page)
        if page.status != 200 or "seen" not in fields:
            self.diary.count("tasks that were gone")
            return
        self.send("complete", task.id, f"/tasks/{task.id}", fields | answers(task.element_id, self.dice))


def hidden(page: str) -> dict[str, str]:
    """The form's token and, of a task, the version that was seen."""
    return dict(HIDDEN.findall(page))


def reason(answer: Answer) -> str:
    """What the page says is wrong, without who and when."""
    found = re.search(r'role="alert"><b>(.*?)</form>|role="alert"><b>(.*)', answer.page, re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", (found[1] or found[2]) if found else answer.where))
    return re.sub(r"由\S+在 [\d:]+ |“.*?”", "", " ".join(text.split()))[:80]


def answers(element: str, dice: random.Random) -> dict[str, str]:
    """What somebody writes into a task's form."""
    often = dice.random() < 0.85
    return {
        "dispatch": {"department": "engineering", "instruction": "先关阀再查"},
        "accept_slip": {"answer": "accept", "worker": dice.choice(["", "liu", "bo"])} if often else dice.choice(
            [{"answer": "ask", "question": "阀门在哪？"}, {"answer": "cannot-solve", "reason": "要厂家来"}]),
        "answer_question": {"answer_text": "在管井"},
        "arrive": {"arrived_at": f"{datetime.now(CHINA):%Y-%m-%dT%H:%M}"},
        "handle": {"result": "换了阀门", "cause": "阀门老化", "material": "DN20", "labour_minutes": "40", "cost_yuan": "12.5"},
        "handle_on_the_spot": {"result": "告诉了预约电话"},
        "verify": {"passed": "yes"} if often else {"passed": "no", "fail_reason": "还在滴"},
        "return_visit": {"reached": "yes", "how": "phone", "satisfaction": "5" if often else "1", "words": "好"} if dice.random() < 0.8 else
                        {"reached": "no", "how": "phone"},
        "sign_off": {"note": "三次没找到人"},
        "answer_supervisor": {"answer": "advise" if often else dice.choice(["take-over", "raise"]), "guidance": "先断水"},
        "answer_manager": {"answer": "advise", "guidance": "请厂家"} if often else {"answer": "close", "explanation": "与客户说明，改造时一并处理"},
        "answer_quality": {"answer": "advise", "guidance": "按制度办"},
    }[element]
