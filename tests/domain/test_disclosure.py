"""Who may learn who reported, the record of each look, and what a unit reads without looking."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import CONSTRUCTION, ENTERPRISE, MONDAY, OPERATOR, accepted, case, complaint, member, resolved, ticket

from domain.complaint import Kind, Reporter
from domain.disclosure import LONGEST_REASON, SEEN, Look, for_unit, looked
from domain.lifecycle import Forbidden, Incomplete, NotAllowed

REASON = Look("联系诉求人核实情况")


def test_a_look_changes_nothing_and_is_on_record() -> None:
    before = accepted()
    done = looked(before, Look("  核实地点，来电 13800000009  "), member(), MONDAY)
    assert done.ticket == before
    assert done.notices == ()
    (event,) = done.events
    assert (event.action, event.actor, event.position, event.at) == (SEEN, member().name, 1, MONDAY)
    assert event.data == {"reason": "核实地点，来电 138****09"}


@pytest.mark.parametrize("reason", ["", "  \n ", "核" * (LONGEST_REASON + 1)], ids=["none", "blank", "too long"])
def test_a_look_needs_a_reason(reason: str) -> None:
    with pytest.raises(Incomplete) as refused:
        looked(accepted(), Look(reason), member(), MONDAY)
    assert [field for field, _ in refused.value.problems] == ["reason"]


def test_a_number_is_told_only_while_somebody_may_call() -> None:
    for state in (ticket(), resolved()):
        with pytest.raises(NotAllowed):
            looked(state, REASON, member(), MONDAY)
    for stranger in (member(ENTERPRISE), OPERATOR):
        with pytest.raises(Forbidden):
            looked(accepted(), REASON, stranger, MONDAY)


def test_a_helper_that_has_not_signed_is_told_nothing() -> None:
    with pytest.raises(NotAllowed):
        looked(accepted(), REASON, member(CONSTRUCTION), MONDAY)


def test_who_reports_in_confidence_or_reports_an_offence_stays_unknown() -> None:
    secret = complaint(reporter=Reporter("测试甲", "13800000001", confidential=True))
    for state in (accepted(case(complaint=secret)), replace(accepted(), kind=Kind.REPORT)):
        with pytest.raises(Forbidden, match="保密件或举报件"):
            looked(state, REASON, member(), MONDAY)


def test_a_unit_reads_neither_numbers_nor_the_reporters_name() -> None:
    text = "我是测试甲，电话 138 0000 0001，2026-11-20 起堵在 18 号门口"
    assert for_unit(text, ticket()) == "我是测**，电话 138****01，2026-11-20 起堵在 18 号门口"
    nameless = ticket(case(complaint=complaint(reporter=Reporter())))
    assert for_unit("测试甲说的", nameless) == "测试甲说的"
    one_letter = ticket(case(complaint=complaint(reporter=Reporter("人"))))
    assert for_unit("人行道上人多", one_letter) == "人行道上人多"
