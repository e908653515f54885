"""How many people of today have a role: what the check `nobody` asks."""

from datetime import date, timedelta

import sqlalchemy as sa

from engine import checks
from engine.definitions import read_folder
from service import operations
from service.organisation import queries
from service.organisation.models import Centre, Person, Role, RoleAssignment

TODAY = date(2026, 11, 20)


def count(app, role: str, on: date = TODAY) -> int:
    with app.session() as session:
        return queries.headcount(session, on)(role)


def test_active_people_of_the_day_count(centre):
    before = count(centre, "specialist")
    assert before > 0
    with centre.writing() as session:
        lin = session.scalars(sa.select(Person).where(Person.username == "lin")).one()
        for assignment in lin.roles:
            assignment.until_on = TODAY
    assert count(centre, "specialist") == before
    assert count(centre, "specialist", TODAY + timedelta(days=1)) == before - 1
    with centre.writing() as session:
        session.execute(sa.update(Person).where(Person.username == "lin").values(active=False))
    assert count(centre, "specialist") == before - 1


def test_the_centre_with_the_fewest_counts_and_company_wide_roles_count_everywhere(centre):
    quality = count(centre, "quality")
    with centre.writing() as session:
        project = session.scalars(sa.select(Centre.project_id)).first()
        session.add(Centre(project_id=project, name="空中心"))
    assert count(centre, "specialist") == 0
    assert count(centre, "quality") == quality > 0


def test_a_procedure_is_told_when_nobody_could_take_its_tasks(centre):
    procedure = read_folder(centre.settings.bpmn_dir / "customer-request")

    def nobody() -> list:
        with centre.session() as session:
            people_in = queries.headcount(session, TODAY)
        found = checks.check(procedure, operations=operations.registry, functions=operations.functions, roles=[str(r) for r in Role],
                             known_processes=["escalation", "handover", procedure.key], people_in=people_in)
        return [fault.element for fault in found if fault.check == "nobody"]

    assert nobody() == ["sign_off"]  # the other centre has no supervisor yet
    with centre.writing() as session:
        hu = session.scalars(sa.select(RoleAssignment).join(Person).where(Person.username == "hu")).one()
        session.add(RoleAssignment(person_id=hu.person_id, role=Role.SUPERVISOR, centre_id=hu.centre_id))
    assert nobody() == []
    with centre.writing() as session:
        session.execute(sa.delete(RoleAssignment).where(RoleAssignment.role == Role.SUPERVISOR))
    assert nobody() == ["sign_off"]
