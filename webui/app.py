"""The web application: parts it is given, blueprints, and what every page needs.

`create_app(app)` takes the service's `App` (tests pass their own); without one it builds it from the settings. One read
session per request stands on `g.session`; changes go through the service's actions, which open a unit of work of their own.
"""

from __future__ import annotations

import logging
import uuid

from flask import Flask, g

from service.health.queries import clock_state
from webui import errors, filters, i18n, menu, security, sessions, slots, told
from webui.addresses import Web
from webui.blueprints import BLUEPRINTS
from webui.i18n import gettext
from webui.marks import draw_chip, draw_icon, draw_row, static
from webui.views import carried, drafts, undo

STATIC_SECONDS = 365 * 24 * 3600  # addresses carry the file's time, so a changed file has another address


def create_app(app=None) -> Flask:
    if app is None:
        from service import app as service
        from service import settings

        app = service.create(settings.load())
    web = Web("webui", static_folder="static", template_folder="templates")
    web.extensions["zhiban"] = app
    web.config.update(
        SEND_FILE_MAX_AGE_DEFAULT=STATIC_SECONDS,
        SECRET_KEY=app.settings.secret(),
        SESSION_COOKIE_NAME="zhiban-flash",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=app.settings.secure_cookies,
    )
    web.jinja_env.trim_blocks = web.jinja_env.lstrip_blocks = True
    _behind_proxies(web, app.settings.trusted_proxies)
    sessions.install(web)  # first: everything after it may ask who it is
    security.install(web)
    slots.install(web)
    errors.install(web)
    filters.install(web)
    i18n.install(web)
    _helpers(web)
    for blueprint in BLUEPRINTS:
        web.register_blueprint(blueprint)
    logging.getLogger("zhiban.web").info("web application ready")
    return web


def _behind_proxies(web: Flask, proxies: int) -> None:
    """X-Forwarded-* is believed from exactly as many proxies as the settings name, from nobody by default."""
    if proxies:
        from werkzeug.middleware.proxy_fix import ProxyFix

        web.wsgi_app = ProxyFix(web.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)


def _helpers(web: Flask) -> None:
    web.jinja_env.globals.update(
        static=static,
        draw_icon=draw_icon,
        draw_chip=draw_chip,
        draw_row=draw_row,
        request_id=lambda: uuid.uuid4().hex,
        html_language=i18n.html_language,
        theme_names=theme_names,
        shared_keys=shared_keys,
        flashed=told.waiting,
        today_words=today_words,
        clock_stands=clock_stands,
        draft_tabs=drafts.tabs,
        undo_offer=undo.offer,
        strip_words=carried.strip_words,
        phone_words=carried.phone_words,
        comma=i18n.comma,
        colon=i18n.colon,
    )
    web.context_processor(lambda: {"person": g.get("person"), "menu": menu.items, "may_register": menu.may_register})


def theme_names() -> dict[str, str]:
    return {"light": gettext("亮"), "dark": gettext("暗"), "auto": gettext("跟系统")}


def shared_keys() -> dict[str, str]:
    """The keys that no visible element carries; the rest is read off the page."""
    return {
        "/": gettext("找单元、客户、电话、单号"),
        "↑ ↓": gettext("选一行"),
        "← →": gettext("换一列"),
        "↵": gettext("办选中的这件"),
        "1–9": gettext("选类别"),
        "Ctrl ↵": gettext("保存表单"),
        "Esc": gettext("关上、离开输入框"),
        "?": gettext("这张表"),
    }


def today_words() -> str:
    """10月10日 周五 16:42"""
    at = filters.local(filters.now())
    return f"{filters.date_words(at.date())}{filters.make_up(at.date())} {at:%H:%M}"


def clock_stands() -> str:
    """Why limits do not fire, "" while they do: no clock process lives (F26), or its time has jumped (F6). All see it."""
    state = clock_state(g.session)
    if state.error:
        return gettext("服务器的时间跳变，到点的提醒和升级先停着，时间对上就接着走。告诉系统管理员")
    return "" if state.alive else gettext("时钟没在走，到点不会提醒也不会升级。告诉系统管理员")
