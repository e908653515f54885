"""For machines: is the process alive, may it get requests. No log-in, no names, no figures about people."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, jsonify
from sqlalchemy import func, select, text

from service.notifications.models import ClockHeartbeat
from webui.gates import gate, public, service_app

health = Blueprint("health", __name__)


@health.get("/live")
@gate(public)
def live():
    return jsonify(status="ok")


@health.get("/ready")
@gate(public)
def ready():
    """200 when the database answers and a clock process lives; 503 with the reason otherwise (F26)."""
    faults = [fault for fault in (_database(), _clock()) if fault]
    return jsonify(status="red" if faults else "ok", faults=faults), 503 if faults else 200


def _database() -> str | None:
    try:
        with service_app().database.connect() as connection:
            connection.execute(text("select 1"))
    except Exception:
        return "database does not answer"
    return None


def _clock() -> str | None:
    app = service_app()
    try:
        with app.database.connect() as connection:
            seen = connection.execute(select(func.max(ClockHeartbeat.at))).scalar()
    except Exception:
        return "no clock has run yet"
    if seen is None:
        return "no clock has run yet"
    limit = timedelta(seconds=app.settings.clock_stuck_seconds)
    return None if app.clock.now() - seen <= limit else "no clock has lived for a minute"
