"""A small invented town, 青石镇, for tests: its units, places, rules, limits, category tree, and short ways to make tickets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.actions import DETAILS
from domain.category import Category, CategoryTree, Department
from domain.complaint import Complaint, Kind, Place, Point, Reporter, Urgency
from domain.handling import handle
from domain.intake import open_ticket
from domain.lifecycle import Action
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.ticket import Ticket
from domain.understanding import Guess, Understanding, Word
from domain.worktime import LOCAL, WorkCalendar
from intake_bot.planning import RouterPlanner
from router.grid import Boundaries
from router.route import Case, Router
from router.settings import RouterSettings

CITY = "brigade-1"
ENTERPRISE = "brigade-2"
CONSTRUCTION = "brigade-3"
CENTRE = "command-center"
SUPERVISION = "supervision-group"

TRAFFIC_POLICE = Department("traffic-police", "公安交警", "122")
POWER = Department("power", "供电公司", "95598")

STALL = "C0101"  # 占道经营: brigade-1, brigade-3 helps by rule
RUBBISH = "C0201"  # 暴露垃圾: brigade-1
COLLAPSE = "C0301"  # 路面塌陷: brigade-1, urgent by itself
SMELL = "E0101"  # 工业废气: brigade-2
ILLEGAL_BUILDING = "J0101"  # 违规搭建: brigade-3, brigade-1 helps by rule
SITE_NOISE = "J0201"  # 施工噪声: brigade-3, brigade-1 helps by rule
OFFICER = "S0101"  # 执法人员作风: supervision group
PARKING = "X0101"  # 机动车违停: traffic police
BLACKOUT = "X0201"  # 停电: power company


def leaves() -> tuple[Category, ...]:
    """The leaves of the small tree."""
    return (
        Category(STALL, "占道经营", "市容秩序", "城市管理", unit=CITY, time_class="order"),
        Category(RUBBISH, "暴露垃圾", "环境卫生", "城市管理", unit=CITY, time_class="cleanup"),
        Category(COLLAPSE, "路面塌陷", "市政设施", "城市管理", unit=CITY, urgency=Urgency.URGENT),
        Category(SMELL, "工业废气", "大气污染", "企业管理", unit=ENTERPRISE, time_class="pollution"),
        Category(ILLEGAL_BUILDING, "违规搭建", "违法建设", "建设管理", unit=CONSTRUCTION, time_class="building"),
        Category(SITE_NOISE, "施工噪声", "噪声扰民", "建设管理", unit=CONSTRUCTION, time_class="noise"),
        Category(OFFICER, "执法人员作风", "作风纪律", "队伍监督", unit=SUPERVISION),
        Category(PARKING, "机动车违停", "交通管理", "外部门", department=TRAFFIC_POLICE),
        Category(BLACKOUT, "停电", "公用事业", "外部门", department=POWER),
    )


def tree() -> CategoryTree:
    return CategoryTree(leaves())


def _unit(code: str, name: str, *accounts: str) -> dict[str, Any]:
    """A unit whose first account is the head and whose second stands in for the head."""
    return {
        "code": code,
        "name": name,
        "head": accounts[0],
        "backup": accounts[1],
        "people": [{"account": one, "name": f"测试员{one}"} for one in accounts],
    }


def written_settings() -> dict[str, Any]:
    """The router's section as it stands in a `config.yml`: plain lists and dictionaries, a fresh copy at each call."""
    return {
        "threshold": 0.6,
        "margin": "1 working_days",
        "units": [
            _unit(CITY, "一大队", "a1", "a2", "a3", "a4"),
            _unit(ENTERPRISE, "二大队", "b1", "b2", "b3"),
            _unit(CONSTRUCTION, "三大队", "c1", "c2", "c3"),
            _unit(CENTRE, "指挥中心", "d1", "d2"),
            _unit(SUPERVISION, "督察组", "s1", "s2"),
        ],
        "territory": {
            "town": "青石镇",
            "boundaries": "town.geojson",
            "areas": [{"code": "A1", "name": "第一责任区"}, {"code": "A2", "name": "第二责任区"}],
            "places": [
                {"code": "001", "name": "石桥社区", "area": "A1", "words": ["石桥菜场", "临河路"]},
                {"code": "002", "name": "柳塘村", "area": "A1", "words": ["柳塘新村"]},
                {"code": "003", "name": "云岭村", "area": "A2", "words": ["云岭工业园"]},
            ],
            "grids": [
                {
                    "code": "cg",
                    "name": "城市管理网格",
                    "unit": CITY,
                    "areas": {"A1": {"owner": "a3", "backup": "a4"}, "A2": {"owner": "a4", "backup": "a3"}},
                    "cells": {"002": {"owner": "a2", "backup": "a3"}},
                },
                {
                    "code": "qy",
                    "name": "企业管理网格",
                    "unit": ENTERPRISE,
                    "areas": {"A1": {"owner": "b2", "backup": "b3"}, "A2": {"owner": "b3", "backup": "b2"}},
                },
                {
                    "code": "js",
                    "name": "建设管理网格",
                    "unit": CONSTRUCTION,
                    "areas": {"A1": {"owner": "c2", "backup": "c3"}, "A2": {"owner": "c3", "backup": "c2"}},
                },
            ],
        },
        "rules": [
            {
                "id": "R-officers",
                "name": "反映执法人员",
                "when": {"words": ["城管队员", "执法人员"]},
                "then": {"unit": SUPERVISION},
            },
            {
                "id": "R-building",
                "name": "违规搭建多队联办",
                "when": {"category": [ILLEGAL_BUILDING]},
                "then": {"helpers": [CITY]},
            },
            {"id": "R-noise", "name": "噪声扰民多队联办", "when": {"group": ["噪声扰民"]}, "then": {"helpers": [CITY]}},
            {
                "id": "R-stall",
                "name": "占道经营多队联办",
                "when": {"category": [STALL]},
                "then": {"helpers": [CONSTRUCTION]},
            },
            {
                "id": "R-danger",
                "name": "危及生命",
                "when": {"risk": ["danger_to_life", "fire_or_gas"]},
                "then": {"urgency": "critical"},
            },
        ],
        "limits": [
            {"id": "L-dispatch", "stage": "dispatch", "limit": "2 working_hours"},
            {"id": "L-dispatch-urgent", "stage": "dispatch", "limit": "30 working_minutes", "urgency": "urgent"},
            {"id": "L-accept", "stage": "accept", "limit": "4 working_hours"},
            {"id": "L-accept-critical", "stage": "accept", "limit": "1 natural_hours", "urgency": "critical"},
            {"id": "L-contact", "stage": "contact", "limit": "1 working_days"},
            {"id": "L-return", "stage": "return", "limit": "1 working_days"},
            {"id": "L-resolve", "stage": "resolve", "limit": "5 working_days"},
            {"id": "L-resolve-consultation", "stage": "resolve", "limit": "3 working_days", "kind": "consultation"},
            {"id": "L-resolve-cleanup", "stage": "resolve", "limit": "1 working_days", "category": "cleanup"},
            {"id": "L-resolve-urgent", "stage": "resolve", "limit": "24 natural_hours", "urgency": "urgent"},
            {"id": "L-resolve-critical", "stage": "resolve", "limit": "2 natural_hours", "urgency": "critical"},
            {"id": "L-extend", "stage": "extend", "limit": "5 working_days"},
        ],
        "return_reasons": [
            {"code": "R1", "name": "不属于本单位法定职责"},
            {"code": "R2", "name": "不属于本镇行政区域"},
        ],
    }


def settings(**changed: Any) -> RouterSettings:
    """The town's settings, with whole keys of the section replaced by plain values."""
    return RouterSettings.model_validate({**written_settings(), **changed})


CENTRES = {"001": (120.65, 31.05), "002": (120.75, 31.05), "003": (120.85, 31.05)}
"""The middle (longitude, latitude) of each place's square."""


def geojson(*, schematic: bool = True, codes: tuple[str, ...] = ("001", "002", "003")) -> dict[str, Any]:
    """Squares of a tenth of a degree beside each other, from west to east; an unknown code gets one of its own."""
    features = []
    for index, code in enumerate(codes):
        west = CENTRES.get(code, (120.65 + 0.1 * index, 0.0))[0] - 0.05
        ring = [[west, 31.0], [west + 0.1, 31.0], [west + 0.1, 31.1], [west, 31.1], [west, 31.0]]
        features.append(
            {
                "type": "Feature",
                "properties": {"code": code},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return {"type": "FeatureCollection", "schematic": schematic, "features": features}


def boundaries(*, schematic: bool = True, codes: tuple[str, ...] = ("001", "002", "003")) -> Boundaries:
    return Boundaries(geojson(schematic=schematic, codes=codes))


def router(
    town: RouterSettings | None = None,
    *,
    schematic: bool = True,
    calendar: WorkCalendar | None = None,
    category_tree: CategoryTree | None = None,
) -> Router:
    return Router(
        town or settings(), boundaries(schematic=schematic), category_tree or tree(), calendar or WorkCalendar()
    )


def planner(of: Router | None = None) -> RouterPlanner:
    return RouterPlanner(of or router(), tree())


def at(written: str) -> datetime:
    """A Shanghai time as people write it, `2026-11-24 09:12`, in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=LOCAL).astimezone(UTC)


MONDAY = at("2026-11-23 09:00")
"""An ordinary working Monday morning, office hours begun; no holiday is near."""

REPORTER = Reporter(name="测试甲", phone="13800000001")


def complaint(content: str = "石桥菜场门口每天早上有人占道摆摊，没法走路", **changed: Any) -> Complaint:
    """What 12345 sent on that Monday. A test names what it cares about."""
    made: dict[str, Any] = {
        "channel": "12345",
        "source_no": "T20261123-1",
        "reported_at": MONDAY - timedelta(minutes=10),
        "received_at": MONDAY,
        "content": content,
        "reporter": REPORTER,
        "place": Place(address="石桥菜场"),
        "raw": b"{}",
    }
    return Complaint(**{**made, **changed})


def point_in(place: str) -> Point:
    return Point(*CENTRES[place])


def understanding(category: str = STALL, confidence: float = 0.9, **changed: Any) -> Understanding:
    """What a sure model makes of the complaint."""
    leaf = tree().get(category)
    made: dict[str, Any] = {
        "engine": "embedded",
        "version": "test",
        "kind": Kind.COMPLAINT,
        "kind_confidence": 0.9,
        "category": Guess(category, leaf.name if leaf else category, confidence),
        "runners_up": (),
        "urgency": Urgency.NORMAL,
        "confidence": confidence,
        "places": ("石桥菜场",),
        "words": (Word("占道", 2.0), Word("摆摊", 1.0)),
    }
    return Understanding(**{**made, **changed})


def case(category: str = STALL, confidence: float = 0.9, **changed: Any) -> Case:
    """A case to route; `complaint` and `understanding` may be replaced whole."""
    made: dict[str, Any] = {
        "complaint": complaint(),
        "understanding": understanding(category, confidence),
        "kind": Kind.COMPLAINT,
        "category": category,
    }
    return Case(**{**made, **changed})


CHANNEL = Actor("channel:12345", Role.CHANNEL)
OPERATOR = Actor("o1", Role.OPERATOR)
SUPERVISOR = Actor("v1", Role.SUPERVISOR)
ADMINISTRATOR = Actor("root", Role.ADMINISTRATOR)


def member(unit: str = CITY) -> Actor:
    """A brigade member of a unit."""
    return Actor(f"member-of-{unit}", Role.BRIGADE, unit)


def draft(one: Case | None = None, now: datetime = MONDAY, of: Router | None = None) -> Outcome:
    """A case routed and opened: what storage is given."""
    one = one or case()
    routing = (of or router()).route(one, now)
    return open_ticket(one.complaint, one.understanding, tree().get(one.category), one.kind, routing, CHANNEL, now)


def ticket(one: Case | None = None, now: datetime = MONDAY, of: Router | None = None) -> Ticket:
    """The ticket of a case as it is once stored: with an id and a number."""
    return replace(draft(one, now, of).ticket, id=1, no="QS261123-00001")


PLANNER = planner()


def act(
    before: Ticket, action: Action, actor: Actor, now: datetime = MONDAY + timedelta(minutes=30), **details: Any
) -> Ticket:
    """The ticket after an action whose body is given by keyword. Raises as `handle` does."""
    return outcome(before, action, actor, now, **details).ticket


def outcome(
    before: Ticket, action: Action, actor: Actor, now: datetime = MONDAY + timedelta(minutes=30), **details: Any
) -> Outcome:
    """The same, with the events and notices; the version grows as storage lets it grow."""
    done = handle(before, action, DETAILS[action](**details), actor, now, PLANNER)
    return replace(done, ticket=replace(done.ticket, version=before.version + 1))


def accepted(one: Case | None = None) -> Ticket:
    """A ticket that its lead has signed for."""
    fresh = ticket(one)
    assert fresh.lead is not None
    return act(fresh, Action.ACCEPT, member(fresh.lead.unit), MONDAY + timedelta(minutes=10))


def resolved(one: Case | None = None) -> Ticket:
    """A ticket that its lead has resolved within the limit."""
    work = accepted(one)
    assert work.lead is not None
    return act(work, Action.RESOLVE, member(work.lead.unit), MONDAY + timedelta(hours=1), result="已清理并劝离")


WEEK = tuple(date(2026, 11, 23) + timedelta(days=n) for n in range(7))
"""The days of that Monday's week."""
