"""Where a case goes, to whom, by when, and the reason in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from town import (
    BLACKOUT,
    CENTRE,
    CITY,
    COLLAPSE,
    CONSTRUCTION,
    ENTERPRISE,
    ILLEGAL_BUILDING,
    MONDAY,
    OFFICER,
    PARKING,
    RUBBISH,
    SITE_NOISE,
    SMELL,
    STALL,
    SUPERVISION,
    at,
    boundaries,
    case,
    complaint,
    geojson,
    leaves,
    point_in,
    router,
    tree,
    understanding,
    written_settings,
)
from town import settings as town_settings

from domain.category import CategoryTree
from domain.complaint import Kind, Point, Urgency
from domain.limit import Stage
from domain.routing import Destination, Routing
from domain.ticket import Share, Status
from domain.worktime import WorkCalendar
from router.grid import Boundaries
from router.route import Case, Router

ROUTER = router()


def rule(then: dict[str, Any], name: str = "test", **when: Any) -> dict[str, Any]:
    return {"id": f"R-{name}", "name": "试验规则", "when": when, "then": then}


def with_rules(*rules: dict[str, Any]) -> Router:
    return router(town_settings(rules=list(rules)))


def units(routing: Routing) -> list[tuple[str, Share]]:
    return [(one.unit, one.share) for one in routing.assignments]


def said(routing: Routing) -> str:
    return "\n".join(routing.why)


@pytest.mark.parametrize(
    ("category", "unit", "cell", "handler"),
    [
        (RUBBISH, CITY, "cg-001", "a3"),
        (SMELL, ENTERPRISE, "qy-001", "b2"),
        (ILLEGAL_BUILDING, CONSTRUCTION, "js-001", "c2"),
        (OFFICER, SUPERVISION, "", "s1"),
    ],
)
def test_a_matter_goes_to_the_unit_whose_business_it_is(category: str, unit: str, cell: str, handler: str) -> None:
    routing = ROUTER.route(case(category), MONDAY)
    lead = routing.assignments[0]
    assert routing.destination is Destination.UNIT
    assert (lead.unit, lead.share, lead.cell, lead.handler) == (unit, Share.LEAD, cell, handler)
    assert (lead.position, lead.status, lead.dispatched_at) == (1, Status.DISPATCHED, MONDAY)
    assert routing.problems == ()


def test_the_reason_is_kept_in_words() -> None:
    assert ROUTER.route(case(STALL), MONDAY).why == (
        "事项判定为“占道经营”（C0101，置信度 0.90），主要依据：占道、摆摊",
        "按规则 R-stall“占道经营多队联办”",
        "责任地：石桥社区，依据地名“石桥菜场”",
        "主办：一大队（cg-001），经办：测试员a3（A岗）",
        "协办：三大队（js-001），经办：测试员c2（A岗）",
        "办结时限：5个工作日，2026-11-30 17:30 前（L-resolve）",
    )


def test_where_no_cell_is_known_the_head_handles() -> None:
    lost = case(RUBBISH, understanding=understanding(RUBBISH, places=()))
    lead = ROUTER.route(lost, MONDAY).assignments[0]
    assert (lead.cell, lead.area, lead.handler) == ("", "", "a1")


def test_the_coordinates_find_the_cell() -> None:
    here = complaint()
    placed = case(
        SMELL,
        complaint=replace(here, place=replace(here.place, point=point_in("003"))),
        understanding=understanding(SMELL, places=()),
    )
    lead = ROUTER.route(placed, MONDAY).assignments[0]
    assert (lead.cell, lead.area, lead.owner, lead.backup) == ("qy-003", "A2", "b3", "b2")


# ── joint handling ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        (ILLEGAL_BUILDING, [(CONSTRUCTION, Share.LEAD), (CITY, Share.HELPER)]),
        (SITE_NOISE, [(CONSTRUCTION, Share.LEAD), (CITY, Share.HELPER)]),
        (STALL, [(CITY, Share.LEAD), (CONSTRUCTION, Share.HELPER)]),
        (RUBBISH, [(CITY, Share.LEAD)]),
    ],
)
def test_rules_bring_helpers(category: str, expected: list[tuple[str, Share]]) -> None:
    assert units(ROUTER.route(case(category), MONDAY)) == expected


def test_a_helper_has_clocks_of_its_own_but_calls_nobody() -> None:
    lead, helper = ROUTER.route(case(ILLEGAL_BUILDING), MONDAY).assignments
    assert [clock.stage for clock in lead.clocks] == [Stage.ACCEPT, Stage.CONTACT, Stage.RETURN, Stage.RESOLVE]
    assert [clock.stage for clock in helper.clocks] == [Stage.ACCEPT, Stage.RETURN, Stage.RESOLVE]


def test_no_unit_helps_itself_or_twice() -> None:
    twice = with_rules(
        rule({"helpers": [CITY, ENTERPRISE]}, "one", category=[RUBBISH]),
        rule({"helpers": [ENTERPRISE, CITY]}, "two", category=[RUBBISH]),
    )
    assert units(twice.route(case(RUBBISH), MONDAY)) == [(CITY, Share.LEAD), (ENTERPRISE, Share.HELPER)]


# ── own officers ───────────────────────────────────────────────────────────


def test_a_complaint_about_our_officers_goes_to_the_supervision_group_alone() -> None:
    by_rule = case(STALL, complaint=complaint("城管队员掀了我的摊子还骂人"))
    for one in (by_rule, case(OFFICER)):
        routing = ROUTER.route(one, MONDAY)
        assert units(routing) == [(SUPERVISION, Share.LEAD)]


def test_no_other_rule_draws_it_to_a_brigade_whatever_their_order() -> None:
    to_brigade = rule({"unit": CITY, "helpers": [CONSTRUCTION]}, "first", words=["摊子"])
    to_group = rule({"unit": SUPERVISION}, "second", words=["城管队员"])
    about = case(STALL, complaint=complaint("城管队员掀了我的摊子"))
    assert units(with_rules(to_brigade, to_group).route(about, MONDAY)) == [(SUPERVISION, Share.LEAD)]
    assert units(with_rules(to_group, to_brigade).route(about, MONDAY)) == [(SUPERVISION, Share.LEAD)]
    by_category = case(OFFICER, complaint=complaint("有人掀了我的摊子"))
    assert units(with_rules(to_brigade).route(by_category, MONDAY)) == [(SUPERVISION, Share.LEAD)]
    to_police = rule({"department": "traffic-police"}, "first", words=["摊子"])
    assert units(with_rules(to_police).route(by_category, MONDAY)) == [(SUPERVISION, Share.LEAD)]


def test_an_unsure_guess_about_officers_is_looked_at_first() -> None:
    assert ROUTER.route(case(OFFICER, 0.3), MONDAY).destination is Destination.DESK


# ── the desk and the outside ───────────────────────────────────────────────


def test_a_low_confidence_waits_at_the_desk_with_the_dispatch_clock() -> None:
    routing = ROUTER.route(case(RUBBISH, 0.59), MONDAY)
    assert (routing.destination, routing.assignments, routing.problems) == (Destination.DESK, (), ())
    assert [(clock.stage, clock.rule) for clock in routing.desk_clocks] == [(Stage.DISPATCH, "L-dispatch")]
    assert routing.desk_clocks[0].due_at == at("2026-11-23 11:00")
    assert "置信度 0.59 低于 0.60，转人工研判" in routing.why
    assert ROUTER.route(case(RUBBISH, 0.6), MONDAY).destination is Destination.UNIT


def test_a_persons_decision_needs_no_confidence() -> None:
    assert ROUTER.route(case(RUBBISH, 0.1, decided=True), MONDAY).destination is Destination.UNIT


def test_a_rule_is_sure_where_the_model_is_not() -> None:
    sure = with_rules(rule({"unit": ENTERPRISE}, place=["001"]))
    assert units(sure.route(case(RUBBISH, 0.1), MONDAY)) == [(ENTERPRISE, Share.LEAD)]
    only_helpers = with_rules(rule({"helpers": [ENTERPRISE]}, place=["001"]))
    assert only_helpers.route(case(RUBBISH, 0.1), MONDAY).destination is Destination.DESK


def test_a_rule_may_ask_for_a_person_until_one_has_decided() -> None:
    asks = with_rules(rule({"desk": True}, category=[RUBBISH]))
    routing = asks.route(case(RUBBISH), MONDAY)
    assert routing.destination is Destination.DESK
    assert "按规则转人工研判" in routing.why
    assert asks.route(case(RUBBISH, decided=True), MONDAY).destination is Destination.UNIT


@pytest.mark.parametrize("decided", [False, True])
def test_what_is_not_ours_names_the_department_and_its_number(decided: bool) -> None:
    routing = ROUTER.route(case(PARKING, decided=decided), MONDAY)
    assert (routing.destination, routing.assignments) == (Destination.OUTSIDE, ())
    assert routing.department is not None
    assert routing.department.code == "traffic-police"
    assert "不属于本局职责，应由公安交警办理，电话 122" in routing.why


@pytest.mark.parametrize("decided", [False, True])
def test_a_rule_may_give_a_matter_away_or_take_one_in(decided: bool) -> None:
    away = with_rules(rule({"department": "power"}, category=[RUBBISH]))
    given_away = away.route(case(RUBBISH, decided=decided), MONDAY)
    assert given_away.department is not None
    assert given_away.department.code == "power"
    taken = with_rules(rule({"unit": CITY}, category=[BLACKOUT])).route(case(BLACKOUT, decided=decided), MONDAY)
    assert units(taken) == [(CITY, Share.LEAD)]


def test_a_persons_choice_of_unit_wins() -> None:
    routing = ROUTER.route(case(PARKING, 0.1, decided=True, unit=CENTRE), MONDAY)
    assert units(routing) == [(CENTRE, Share.LEAD)]
    assert routing.assignments[0].cell == ""


# ── urgency and limits ─────────────────────────────────────────────────────


def test_the_most_urgent_voice_counts() -> None:
    assert ROUTER.route(case(RUBBISH), MONDAY).urgency is Urgency.NORMAL
    assert ROUTER.route(case(COLLAPSE), MONDAY).urgency is Urgency.URGENT  # the matter itself
    claimed = case(RUBBISH, complaint=complaint(claimed_urgency=Urgency.URGENT))
    assert ROUTER.route(claimed, MONDAY).urgency is Urgency.URGENT  # the platform
    understood = case(RUBBISH, understanding=understanding(RUBBISH, urgency=Urgency.CRITICAL))
    assert ROUTER.route(understood, MONDAY).urgency is Urgency.CRITICAL  # the model
    risky = case(RUBBISH, understanding=understanding(RUBBISH, risks=("fire_or_gas",)))
    assert ROUTER.route(risky, MONDAY).urgency is Urgency.CRITICAL  # a rule
    assert ROUTER.route(replace(claimed, urgency=Urgency.NORMAL), MONDAY).urgency is Urgency.NORMAL  # a person


def test_urgency_never_sinks_by_a_rule() -> None:
    calming = with_rules(rule({"urgency": "normal"}, category=[COLLAPSE]))
    assert calming.route(case(COLLAPSE), MONDAY).urgency is Urgency.URGENT


def test_the_limit_follows_urgency_kind_and_matter() -> None:
    def rule_of(one: Case) -> str:
        clock = ROUTER.route(one, MONDAY).assignments[0].clock(Stage.RESOLVE)
        assert clock is not None
        return clock.rule

    assert rule_of(case(SMELL)) == "L-resolve"
    assert rule_of(case(RUBBISH)) == "L-resolve-cleanup"
    assert rule_of(case(SMELL, kind=Kind.CONSULTATION)) == "L-resolve-consultation"
    assert rule_of(case(RUBBISH, urgency=Urgency.URGENT)) == "L-resolve-urgent"


def test_the_platforms_deadline_is_kept_ahead_of() -> None:
    outer = case(SMELL, complaint=complaint(due_outer=at("2026-11-27 17:30")))
    routing = ROUTER.route(outer, MONDAY)
    assert routing.assignments[0].clock(Stage.RESOLVE) is not None
    assert routing.assignments[0].clocks[-1].due_at == at("2026-11-26 17:30")
    assert "2026-11-26 17:30 前" in said(routing)


def test_another_round_goes_on_counting() -> None:
    routing = ROUTER.route(case(STALL, round=2, first_position=3, return_barred=True), MONDAY)
    assert [one.position for one in routing.assignments] == [3, 4]
    assert all(one.return_barred for one in routing.assignments)
    assert {clock.round for one in routing.assignments for clock in one.clocks} == {2}


# ── what is gone ───────────────────────────────────────────────────────────


def test_a_category_that_is_gone_is_a_red_mark_and_waits_at_the_desk() -> None:
    routing = ROUTER.route(case("C9999"), MONDAY)
    assert routing.destination is Destination.DESK
    assert routing.problems == ("事项分类 C9999 已不在分类表中",)
    assert len(routing.desk_clocks) == 1


@pytest.mark.parametrize("then", [{"unit": "brigade-9"}, {"department": "nobody"}])
@pytest.mark.parametrize("confidence", [0.9, 0.1])
def test_a_rule_to_what_is_gone_is_a_red_mark_and_waits_at_the_desk(then: dict[str, str], confidence: float) -> None:
    routing = with_rules(rule(then, category=[RUBBISH])).route(case(RUBBISH, confidence), MONDAY)
    assert routing.destination is Destination.DESK
    assert routing.problems[0] == f"规则 R-test“试验规则”指向不存在的单位：{next(iter(then.values()))}"


def test_a_helper_that_is_gone_is_a_red_mark_and_the_lead_works_on() -> None:
    routing = with_rules(rule({"helpers": ["brigade-9", ENTERPRISE]}, category=[RUBBISH])).route(case(RUBBISH), MONDAY)
    assert units(routing) == [(CITY, Share.LEAD), (ENTERPRISE, Share.HELPER)]
    assert "brigade-9" in routing.problems[0]
    assert routing.problems[0] in routing.why


def test_a_leaf_whose_unit_is_gone_is_a_red_mark() -> None:
    odd = CategoryTree([replace(one, unit="brigade-9") if one.code == RUBBISH else one for one in leaves()])
    routing = router(category_tree=odd).route(case(RUBBISH), MONDAY)
    assert (routing.destination, routing.problems) == (
        Destination.DESK,
        ("承办单位“brigade-9”不在 config.yml 的 units 中",),
    )


def test_a_missing_limit_is_a_red_mark() -> None:
    rows = [one for one in written_settings()["limits"] if one["stage"] != "contact"]
    routing = router(town_settings(limits=rows)).route(case(RUBBISH), MONDAY)
    assert routing.destination is Destination.DESK
    assert "没有适用于“联系诉求人”的行" in routing.problems[0]
    none = [one for one in rows if one["stage"] != "dispatch"]
    routing = router(town_settings(limits=none)).route(case(RUBBISH), MONDAY)
    assert (routing.desk_clocks, len(routing.problems)) == ((), 2)


def test_a_calendar_without_work_is_a_red_mark() -> None:
    routing = router(calendar=WorkCalendar(office_hours=())).route(case(RUBBISH), MONDAY)
    assert routing.destination is Destination.DESK
    assert routing.problems


def test_a_polygon_of_a_place_that_is_gone_does_no_harm() -> None:
    odd = Router(town_settings(), Boundaries(geojson(codes=("001", "999"))), tree(), WorkCalendar())
    here = complaint()
    there = replace(here, place=replace(here.place, point=Point(120.75, 0.05 + 31.0)))
    assert odd.route(case(RUBBISH, complaint=there), MONDAY).destination is Destination.UNIT


# ── never an exception ─────────────────────────────────────────────────────

CODES = [one.code for one in leaves()]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    points = st.builds(Point, st.floats(120.5, 121.0), st.floats(30.9, 31.2))
    here = complaint(draw(st.sampled_from(["", "城管队员", "占道摆摊", "x" * 3000])))
    hours = draw(st.integers(-100, 1000))
    one = replace(
        here,
        channel=draw(st.sampled_from(["12345", "phone", "unheard-of"])),
        claimed_urgency=draw(st.sampled_from([None, *Urgency])),
        due_outer=draw(st.sampled_from([None, MONDAY + timedelta(hours=hours)])),
        place=replace(here.place, point=draw(st.none() | points)),
    )
    category = draw(st.sampled_from([*CODES, "C9999", ""]))
    words = st.sampled_from(["石桥", "柳塘村", "不知何处", ""])
    understood = understanding(
        category,
        draw(st.sampled_from([0.0, 0.5, 0.6, 1.0])),
        places=tuple(draw(st.lists(words, max_size=3))),
        risks=tuple(draw(st.lists(st.sampled_from(["fire_or_gas", "crowd"]), max_size=2))),
        urgency=draw(st.sampled_from(Urgency)),
    )
    return Case(
        one,
        understood,
        draw(st.sampled_from(Kind)),
        category,
        urgency=draw(st.sampled_from([None, *Urgency])),
        decided=draw(st.booleans()),
        unit=draw(st.sampled_from([None, CITY, SUPERVISION, "brigade-9"])),
        return_barred=draw(st.booleans()),
        round=draw(st.integers(1, 3)),
        first_position=draw(st.integers(1, 5)),
    )


BROKEN = with_rules(
    rule({"unit": "brigade-9"}, "gone", category=[SMELL]),
    rule({"department": "nobody"}, "nobody", category=[RUBBISH]),
    rule({"helpers": ["brigade-9", SUPERVISION]}, "helper", channel=["12345"]),
    rule({"desk": True}, "desk", words=["占道"]),
)


@settings(max_examples=250, deadline=None)
@given(cases(), st.sampled_from([ROUTER, BROKEN]), st.integers(0, 20_000))
def test_whatever_comes_is_routed_and_explained(one: Case, by: Router, hours: int) -> None:
    now = MONDAY + timedelta(hours=hours)
    routing = by.route(one, now)
    assert routing == by.route(one, now)
    assert routing.why
    assert all(routing.why)
    leads = [share for share in routing.assignments if share.share is Share.LEAD]
    about_officers = one.category == OFFICER and one.unit is None
    match routing.destination:
        case Destination.UNIT:
            assert len(leads) == 1
            assert len({share.unit for share in routing.assignments}) == len(routing.assignments)
            assert all(by.is_unit(share.unit) and share.handler for share in routing.assignments)
            assert all(clock.due_at > now for share in routing.assignments for clock in share.clocks)
            assert not about_officers or units(routing) == [(SUPERVISION, Share.LEAD)]
        case Destination.DESK:
            assert routing.assignments == ()
            assert [clock.stage for clock in routing.desk_clocks] == [Stage.DISPATCH]
        case Destination.OUTSIDE:
            assert routing.department is not None
            assert (routing.assignments, routing.desk_clocks) == ((), ())
            assert not about_officers
    assert any(problem in line for problem in routing.problems for line in routing.why) or not routing.problems


def test_the_same_boundaries_serve_every_router() -> None:
    assert boundaries().codes == ["001", "002", "003"]
