"""For machines: is the process alive, may it get requests. No log-in, no names, no figures about people."""

from __future__ import annotations

from flask import Blueprint, jsonify
from sqlalchemy.exc import SQLAlchemyError

from service.health.queries import health as state_of_health
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
