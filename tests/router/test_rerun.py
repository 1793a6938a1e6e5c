"""What changed settings would have done with past tickets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from town import (
    CITY,
    CONSTRUCTION,
    ENTERPRISE,
    MONDAY,
    OPERATOR,
    PARKING,
    RUBBISH,
    SMELL,
    STALL,
    accepted,
    act,
    case,
    resolved,
    router,
    settings,
    ticket,
    written_settings,
)

from domain.lifecycle import Action
from domain.ticket import Ticket
from router.rerun import rerun
from router.route import Router
from router.settings import RouterSettings

LATER = MONDAY + timedelta(days=1)


def differences(one: Ticket, town: RouterSettings | None = None) -> list[str]:
    return [str(difference) for difference in rerun(router(town) if town else router(), one)]


def with_rule(then: dict[str, Any], **when: Any) -> RouterSettings:
    return settings(rules=[{"id": "R-new", "name": "新规则", "when": when, "then": then}])


@pytest.mark.parametrize(
    "one",
    [
        ticket(),
        ticket(case(RUBBISH)),
        ticket(case(PARKING)),
        ticket(case(confidence=0.1)),
        accepted(),
        resolved(),
        act(accepted(case(RUBBISH)), Action.TRANSFER, OPERATOR, LATER, brigade=ENTERPRISE),
        act(accepted(case(RUBBISH)), Action.TRANSFER, OPERATOR, LATER, department="power"),
        act(ticket(case(confidence=0.1)), Action.RECLASSIFY, OPERATOR, LATER, category=SMELL),
        act(ticket(case(PARKING)), Action.TRANSFER, OPERATOR, LATER, brigade=CITY),
        act(accepted(case(RUBBISH)), Action.TRANSFER, OPERATOR, LATER, handler="a4"),
        act(resolved(case(RUBBISH)), Action.FOLLOW_UP, OPERATOR, LATER, solved="no"),
    ],
    ids=lambda one: f"{one.category}-{one.status}",
)
def test_the_same_settings_change_nothing_whatever_people_did_since(one: Ticket) -> None:
    assert differences(one) == []


def test_a_new_rule_moves_a_ticket() -> None:
    assert differences(ticket(case(RUBBISH)), with_rule({"unit": ENTERPRISE}, category=[RUBBISH])) == [
        "主办单位：一大队 → 二大队",
        "责任网格：cg-001 → qy-001",
        "A岗：测试员a3 → 测试员b2",
        "B岗：测试员a4 → 测试员b3",
    ]


def test_a_rule_that_went_takes_its_helpers_along() -> None:
    assert differences(ticket(case(STALL)), settings(rules=[])) == ["协办单位：三大队 → 无"]


def test_a_threshold_sends_to_the_desk() -> None:
    told = differences(ticket(case(RUBBISH)), settings(threshold=0.95))
    assert told[:2] == ["去向：本局承办 → 人工研判", "主办单位：一大队 → 无"]


def test_what_waited_at_the_desk_would_be_dispatched() -> None:
    told = differences(ticket(case(RUBBISH, 0.5)), settings(threshold=0.4))
    assert told[:2] == ["去向：人工研判 → 本局承办", "主办单位：无 → 一大队"]


def test_a_department_changes() -> None:
    told = differences(ticket(case(PARKING)), with_rule({"department": "power"}, category=[PARKING]))
    assert told == ["外部门：公安交警 → 供电公司"]
    taken = differences(ticket(case(PARKING)), with_rule({"unit": CONSTRUCTION}, category=[PARKING]))
    assert taken[:3] == ["去向：外部门 → 本局承办", "外部门：公安交警 → 无", "主办单位：无 → 三大队"]


def test_a_limit_changes_the_deadline_and_posts_change_hands() -> None:
    written = written_settings()
    written["limits"][6]["limit"] = "3 working_days"
    written["territory"]["grids"][1]["areas"]["A1"] = {"owner": "b3", "backup": "b2"}
    assert differences(ticket(case(SMELL)), settings(**written)) == [
        "A岗：测试员b2 → 测试员b3",
        "B岗：测试员b3 → 测试员b2",
        "办结时限：2026-11-30 17:30 → 2026-11-26 17:30",
    ]


def test_a_ticket_is_left_as_it_is() -> None:
    one = ticket(case(RUBBISH))
    before = repr(one)
    by: Router = router(settings(threshold=0.95))
    assert rerun(by, one)
    assert repr(one) == before
