"""Errors as pages: what it is about, the rule, the next step. Never a stack trace, never more than the reader may see.

What somebody may not see does not exist for them (404). A clash with somebody else's work is 409 and keeps what was typed.
For htmx the same words come as a fragment that is put in place of the part asked for.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from flask import Flask, g, redirect, render_template, request, url_for
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
    TimeoutError,
)
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from engine import errors as engine
from service import db
from service import errors as service
from webui import sessions
from webui.forms import text_of
from webui.i18n import colon, gettext, listed
from webui.refusals import said
from webui.words import role

log = logging.getLogger("zhiban.web")


class WebError(Exception):
    """Base of what the screens themselves refuse."""


class SignedOut(WebError):
    """Nobody is logged in. Send the person to the log-in page and back."""


class Missing(WebError):
    """It does not exist, or this person may not know that it does. `what` is a word for the page, never the thing itself."""

    def __init__(self, what: str = ""):
        self.what = what
        super().__init__(what)


class Refused(WebError):
    """A change that did not come from our own page, or not from a fresh one. `why` names the rule."""

    def __init__(self, why: str):
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Fault:
    """What a person reads: the thing, the rule, the next step."""

    status: int
    what: str
    next_step: str = ""
    rule: str = ""
    link: str = ""
    link_text: str = ""


AWAY = (OperationalError, InterfaceError, DisconnectionError, PendingRollbackError, TimeoutError)  # of the database; nothing was done
AGAIN_AFTER_SECONDS = (0.05, 0.2, 0.8)  # at most, by chance


def install(app: Flask) -> None:
    app.dispatch_request = _again(app.dispatch_request)
    app.register_error_handler(SignedOut, _to_login)
    app.register_error_handler(Exception, _answer)


def _again(dispatch: Callable) -> Callable:
    """Do a request again whose transaction failed for another's sake; nobody sees it (F20)."""

    @wraps(dispatch)
    def dispatched():
        for seconds in AGAIN_AFTER_SECONDS:
            try:
                return dispatch()
            except DBAPIError as error:
                if not db.goes_again(error):
                    raise
                log.warning("%s is done again: %s", request.endpoint, type(error.orig).__name__)  # its text names the row
            sessions.look_again()
            for sent in request.files.values():
                sent.stream.seek(0)
            time.sleep(random.uniform(0, seconds))
        return dispatch()

    return dispatched


def fault_of(error: Exception, form=None) -> Fault:
    """The words for an error; values that break `form`'s rules are named by its labels.

    Unknown ones become a generic page with a number that stands in the log.
    """
    if isinstance(error, engine.FormInvalid):
        return _invalid(error, form)
    for kind in type(error).__mro__:
        if words := WORDS.get(kind):
            return words(error)
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, DBAPIError) and db.disk_is_full(error):
        log.critical("the disk is full at %s %s: %s", request.method, request.endpoint, error.orig)
        return Fault(507, gettext("磁盘满了，这一步没做成，什么都没有改动"), gettext("告诉系统管理员腾出空间，再提交一次"))
    if isinstance(error, AWAY):
        why = getattr(error, "orig", None) or type(error).__name__  # without the values of the statement
        log.warning("the database did not answer in time at %s %s: %s", request.method, request.endpoint, why)
        return Fault(503, gettext("系统正忙，这一步还没做，什么都没有改动"), gettext("过几秒再提交一次"))
    number = uuid.uuid4().hex[:8]
    log.exception("unexpected error %s at %s %s", number, request.method, request.endpoint)
    return Fault(
        500,
        gettext("这一步没做成，什么都没有改动"),
        gettext("再试一次。还不行，把编号 %(number)s 告诉系统管理员", number=number),
    )


def _answer(error: Exception):
    try:
        fault = fault_of(error)
    except SQLAlchemyError as away:  # the words name somebody, whose name is in the database
        g.pop("person", None)
        fault = fault_of(away)
    template = "errors/fragment.html" if request.headers.get("HX-Request") else "errors/page.html"
    try:
        return render_template(template, fault=fault), fault.status
    except SQLAlchemyError:  # the reader's language and theme are in the database that is away
        g.pop("person", None)
        return render_template(template, fault=fault), fault.status


def _to_login(_error: SignedOut):
    back = request.full_path.rstrip("?") if request.method == "GET" and not request.headers.get("HX-Request") else ""
    where = url_for("auth.login", next=back) if back and back != "/" else url_for("auth.login")
    if request.headers.get("HX-Request"):
        return "", 401, {"HX-Redirect": where}
    return redirect(where)


def _http(error: HTTPException) -> Fault:
    if isinstance(error, RequestEntityTooLarge):
        return Fault(413, gettext("发来的内容太大"), gettext("照片每张不超过 10 MB，一次不超过 12 MB。减少几张再发"))
    if error.code in (404, 405):
        return _missing(None)
    if error.code == 429:
        return Fault(429, gettext("试得太频繁"), gettext("过几分钟再试"))
    return Fault(error.code or 500, gettext("这个请求没法处理"), gettext("回到上一页，重新打开再试"))


def _missing(_error) -> Fault:
    return Fault(
        404,
        gettext("没有这一页，或者不归你看"),
        gettext("单号再核对一下；换了部门或楼栋，请主管给你开通"),
        link=url_for("desk.first"),
        link_text=gettext("回到我的工作"),
    )


def _refused(error: Refused) -> Fault:
    if error.why == "stale-page":
        return Fault(403, gettext("这一页放得太久，登录已经换过"), gettext("刷新页面再提交一次，填的内容先复制下来"))
    return Fault(403, gettext("这个提交不是从本系统的页面发出的"), gettext("在本系统里打开页面再提交"))


def _task_not_open(error: engine.TaskNotOpen) -> Fault:
    from webui.filters import when
    from webui.people import name_of

    who = name_of(error.ended_by) if error.ended_by else ""
    if error.how == "cancelled" and error.ended_at:
        what = gettext("“%(task)s”在 %(at)s 收回了，不用再办", task=error.name, at=when(error.ended_at))
    elif who and error.ended_at:
        what = gettext("“%(task)s”已经由%(who)s在 %(at)s 办掉", task=error.name, who=who, at=when(error.ended_at))
    else:
        what = gettext("“%(task)s”已经不用办", task=error.name)
    return Fault(
        409,
        what,
        gettext("一件事只办一次。打开工单看接下来是谁的"),
        link=url_for("desk.first"),
        link_text=gettext("回到我的工作"),
    )


def _clash(_error: engine.VersionClash) -> Fault:
    return Fault(
        409, gettext("你打开之后，别人改过这件事"), gettext("两份都留着：上面是现在的，你填的还在下面，对一下再提交")
    )


def _too_late_to_undo(error: engine.TooLateToUndo) -> Fault:
    from webui.filters import when
    from webui.people import name_of

    reason = {
        "time": gettext("时间过了"),
        "told": gettext("通知已经发出去了"),
        "upgraded": gettext("是程序升级前办的"),
        "acted": gettext("%(who)s 在 %(at)s 已经接着办", who=name_of(error.by), at=when(error.at))
        if error.by
        else gettext("有人已经接着办"),
    }[error.why]
    return Fault(
        409,
        gettext("“%(task)s”撤不回了：%(why)s", task=error.name, why=reason),
        gettext("打开工单，从现在这一步接着办"),
        link=url_for("desk.first"),
        link_text=gettext("回到我的工作"),
    )


def _undone(_error: engine.StepUndone) -> Fault:
    return Fault(409, gettext("这一步刚才撤销了，没有再办"), gettext("你填的还在下面，再按一次就提交"))


def _not_possible(error: engine.NotPossible) -> Fault:
    return Fault(409, gettext("现在做不了这一步"), gettext("看看工单走到哪里，再决定下一步"), rule=said(error))


def _step_failed(error: engine.EngineError) -> Fault:
    return Fault(
        409,
        gettext("流程在这一步停住，已经记下故障"),
        gettext("原来的状态没变。制度责任人会看到原因并重试"),
        rule=said(error.reason if isinstance(error, engine.StepFailed) else error),
    )


def _invalid(error: engine.FormInvalid, form) -> Fault:
    return Fault(
        422,
        gettext("还有 %(n)d 处要改", n=len(error.faults)),
        gettext("改好标红的地方再提交"),
        rule=gettext("；").join(_wrong_with(error.faults, {c.key: c.label for c in form.fields} if form else {})),
    )


def _wrong_with(faults: dict, labels: dict[str, str]) -> list[str]:
    """One sentence per kind of fault, with the fields it is about: 要填：诉求、客户期望."""
    about: dict[str, list[str]] = {}
    for key, fault in faults.items():
        missing = getattr(fault, "rule", "") == "required" and not fault.message_zh and key in labels
        about.setdefault("" if missing else text_of(fault).rstrip("。."), []).append(labels.get(key, ""))
    return [_named(what, listed(*names, items=True)) for what, names in about.items()]


def _named(what: str, names: str) -> str:
    if not what:
        return gettext("要填：%(names)s", names=names)
    return f"{names}{colon()}{what}" if names else what


def _not_allowed(error: service.NotAllowed) -> Fault:
    who = listed(*(_who(r.strip()) for r in error.who_may.split(",") if r.strip()), items=True)
    return Fault(
        403,
        gettext("这一步不归你办"),
        gettext("可以办的是：%(who)s", who=who) if who else gettext("请主管办，或请主管给你开通"),
    )


def _who(name: str) -> str:
    from webui.people import name_of

    return said if (said := role(name)) != name else name_of(name)


def _own_words(status: int) -> Callable[[Exception], Fault]:
    """Errors whose message already names the thing, the rule and the next step."""
    return lambda error: Fault(status, gettext("这样不行"), gettext("改好再提交"), rule=said(error))


def _full(_error) -> Fault:
    return Fault(507, gettext("照片存不下了，磁盘快满"), gettext("告诉系统管理员。这一步可以先不带照片提交"))


def _photo(error: service.PhotoRefused) -> Fault:
    return Fault(
        422, gettext("这张照片收不了"), gettext("要 JPEG、PNG、WebP 或 HEIC，10 MB 以内。重拍一张再发"), rule=said(error)
    )


def _login(_error) -> Fault:
    return Fault(401, gettext("用户名和密码对不上"), gettext("两样都核对一下再试"))


def _tries(error: service.TooManyTries) -> Fault:
    return Fault(
        429,
        gettext("试的次数太多"),
        gettext("等 %(n)d 分钟再试，或者用你常用的那台电脑登录", n=max(1, -(-error.retry_after_seconds // 60))),
    )


WORDS: dict[type, Callable] = {
    Missing: _missing,
    Refused: _refused,
    engine.NotFound: _missing,
    engine.TaskNotOpen: _task_not_open,
    engine.VersionClash: _clash,
    engine.NotPossible: _not_possible,
    engine.TooLateToUndo: _too_late_to_undo,
    engine.StepUndone: _undone,
    engine.StepFailed: _step_failed,
    engine.EngineError: _step_failed,
    service.NotThere: _missing,
    service.NotAllowed: _not_allowed,
    service.Refused: _own_words(422),
    service.PhotoRefused: _photo,
    service.StorageFull: _full,
    service.TooManyTries: _tries,
    service.LoginRefused: _login,
    service.ServiceError: _own_words(409),
}


def remember(fault: Fault) -> None:
    """Shows the fault on the page that is being built, beside what was typed."""
    g.fault = fault
