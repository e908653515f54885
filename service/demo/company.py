"""The places of the demo: one company, a branch, two projects. 江湾中心 with offices, a mall and homes; 城东 for Hu alone.

Codes are what staff say: 3-1201 in 3座, T-208 in the mall, L2-0903 in 江湾里 2 幢. Places that a smaller demo leaves out are
whole floors, so that what is there looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from service.organisation.actions import add_unit
from service.organisation.models import (
    Area,
    AreaKind,
    Branch,
    Building,
    Centre,
    Company,
    Department,
    Floor,
    Project,
    Unit,
)

COMPANY = "恒江物业服务有限公司"
DEPARTMENTS = (
    ("engineering", "工程管理部", "Engineering", "engineering-head"),
    ("safety", "安全环境部", "Safety & Environment", "safety-head"),
    ("specialist", "客服部", "Customer service", "supervisor"),
    ("cashier", "收费处", "Cashier's office", "supervisor"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One building as it is to be built: floors from `first` to `last`, `units` on each."""

    code: str
    name: str
    kind: AreaKind
    first: int
    last: int
    units: int
    square_metres: tuple[int, ...]


OFFICES = tuple(
    Plan(str(n), f"{n}座", AreaKind.OFFICE, 2, 20, 8, (120, 180, 96, 240, 150, 86, 310, 132)) for n in (1, 2, 3)
)
MALL = (Plan("T", "江湾天街", AreaKind.MALL, 1, 3, 44, (46, 68, 120, 35, 86, 210)),)
HOMES = tuple(
    Plan(f"L{n}", f"江湾里{n}幢", AreaKind.HOMES, 2, 18, 6, (89, 108, 128, 89, 118, 142)) for n in range(1, 7)
)
EAST = (Plan("A", "城东A座", AreaKind.OFFICE, 1, 5, 6, (110, 140, 90)),)
AREAS = {AreaKind.OFFICE: "江湾中心写字楼", AreaKind.MALL: "江湾天街", AreaKind.HOMES: "江湾里"}


# A smaller demo has the floors that the stories need, and one of each building without.
ONE_FLOOR = (9,)
NAMED_FLOORS = {"1": (6, 9, 15), "2": (8, 11, 16), "3": (9, 11, 12, 18), "T": (1, 2), "L1": (6,), "L2": (9,), "L3": (12,), "A": (2, 3)}


@dataclass(slots=True)
class Site:
    """One operation centre with its buildings by code and its units, in building order."""

    centre: Centre
    buildings: dict[str, Building] = field(default_factory=dict)
    kinds: dict[str, AreaKind] = field(default_factory=dict)
    floors: dict[int, int] = field(default_factory=dict)  # floor id -> level
    units: list[Unit] = field(default_factory=list)
    by_code: dict[str, Unit] = field(default_factory=dict)

    def kind_of(self, unit: Unit) -> AreaKind:
        return self.kinds[unit.code.split("-", 1)[0]]

    def level_of(self, unit: Unit) -> int:
        return self.floors[unit.floor_id]


def found(session: Session, whole: bool = True) -> tuple[Site, Site]:
    """Company, branch, projects, centres, departments, buildings and units: (江湾中心, 城东)."""
    company = _added(session, Company(name=COMPANY))
    branch = _added(session, Branch(company_id=company.id, name="滨江分公司"))
    session.add_all(
        Department(key=key, name=name, name_en=english, head_group=head) for key, name, english, head in DEPARTMENTS
    )
    river = _site(session, branch, "江湾中心", (*OFFICES, *MALL, *HOMES), whole)
    return river, _site(session, branch, "城东", EAST, whole)


def _site(session: Session, branch: Branch, name: str, plans: tuple[Plan, ...], whole: bool) -> Site:
    project = _added(session, Project(branch_id=branch.id, name=name))
    site = Site(_added(session, Centre(project_id=project.id, name=f"{name}运营中心")))
    areas: dict[AreaKind, Area] = {}
    for plan in plans:
        if plan.kind not in areas:
            title = AREAS[plan.kind] if len(plans) > 1 else f"{name}写字楼"
            areas[plan.kind] = _added(session, Area(centre_id=site.centre.id, name=title, kind=plan.kind))
        _build(session, site, areas[plan.kind], plan, whole)
    return site


def _build(session: Session, site: Site, area: Area, plan: Plan, whole: bool) -> None:
    building = _added(session, Building(centre_id=site.centre.id, area_id=area.id, code=plan.code, name=plan.name))
    site.buildings[plan.code], site.kinds[plan.code] = building, plan.kind
    for level in range(plan.first, plan.last + 1):
        if not whole and level not in NAMED_FLOORS.get(plan.code, ONE_FLOOR):
            continue
        floor = _added(session, Floor(centre_id=site.centre.id, building_id=building.id, level=level, name=f"{level} 楼"))
        site.floors[floor.id] = level
        for count in range(1, plan.units + 1):
            room = f"{level}{count:02d}" if plan.kind is AreaKind.MALL else f"{level:02d}{count:02d}"
            unit = add_unit(session, building, floor, f"{plan.code}-{room}", float(plan.square_metres[(count + level) % len(plan.square_metres)]))
            site.units.append(unit)
            site.by_code[unit.code] = unit
        session.expunge_all()  # a session that holds a thousand rows looks through all of them at each indexing


def _added(session: Session, row):
    session.add(row)
    session.flush()
    return row
