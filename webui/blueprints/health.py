"""For machines: is the process alive, may it get requests. No log-in, no names, no figures about people."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from service.health.queries import health as state_of_health
from service.health.queries import lateness
from webui.gates import gate, public, service_app

health = Blueprint("health", __name__)


@health.get("/live")
@gate(public)
def live():
    return jsonify(status="ok")


@health.get("/ready")
@gate(public)
def ready():
    """200 when the database answers and a clock process lives; 503 with the reasons otherwise (F26)."""
    try:
        with service_app().session() as session:
            faults = list(state_of_health(session).faults)
    except SQLAlchemyError:
        faults = ["The database does not answer."]
    return jsonify(status="red" if faults else "ok", faults=faults), 503 if faults else 200


LATE = ("10s", "1m", "10m", "more")


@health.get("/metrics")
@gate(public)
def metrics():
    """The same figures for Prometheus; the lateness is of the limits that fired in the last 24 hours."""
    with service_app().session() as session:
        state, late = state_of_health(session), lateness(session)
    ages = {"clock_age": state.clock_age, "notice_oldest": state.oldest_notice, "limit_oldest": state.oldest_timer}
    lines = [f'zhiban_limits_fired_late{{within="{within}"}} {count}' for within, count in zip(LATE, late, strict=True)]
    lines += [f"zhiban_{name}_seconds {age.total_seconds():.0f}" for name, age in ages.items() if age is not None]
    lines += [f"zhiban_incidents_open {state.incidents}", f"zhiban_well {int(state.well)}"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
