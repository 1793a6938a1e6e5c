"""Which row of the limits table counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from town import MONDAY, RUBBISH, STALL, at, tree

from domain.category import Category
from domain.complaint import Kind, Urgency
from domain.limit import Stage
from domain.worktime import WorkCalendar
from router.limits import LimitTable, NoLimit
from router.settings import LimitSettings

DAY = date(2026, 11, 23)


def row(name: str, limit: str = "5 working_days", **conditions: Any) -> LimitSettings:
    return LimitSettings.model_validate({"id": f"L-{name}", "stage": "resolve", "limit": limit, **conditions})


def leaf(code: str) -> Category:
    found = tree().get(code)
    assert found is not None
    return found


def chosen(
    *rows: LimitSettings,
    channel: str = "12345",
    kind: Kind = Kind.COMPLAINT,
    urgency: Urgency = Urgency.NORMAL,
    category: str = RUBBISH,
    day: date = DAY,
) -> str:
    table = LimitTable(rows, "1 working_days", WorkCalendar())
    return table.choose(Stage.RESOLVE, channel, kind, urgency, leaf(category), day)[0].id


GENERAL = row("general")


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({}, {"channel": "12345"}),
        ({"channel": "12345"}, {"kind": "complaint"}),
        ({"kind": "complaint", "channel": "12345"}, {"category": "cleanup"}),
        ({"category": "cleanup", "kind": "complaint"}, {"category": RUBBISH}),
        ({"category": RUBBISH, "kind": "complaint", "channel": "12345"}, {"urgency": "normal"}),
        ({"urgency": "normal"}, {"urgency": "normal", "channel": "12345"}),
    ],
)
def test_the_more_specific_row_counts_wherever_it_stands(less: dict[str, str], more: dict[str, str]) -> None:
    one, other = row("less", **less), row("more", **more)
    assert chosen(GENERAL, one, other) == "L-more"
    assert chosen(other, one, GENERAL) == "L-more"


@pytest.mark.parametrize(
    "conditions",
    [{"channel": "12369"}, {"kind": "consultation"}, {"category": "order"}, {"category": STALL}, {"urgency": "urgent"}],
)
def test_a_row_for_something_else_does_not_count(conditions: dict[str, str]) -> None:
    assert chosen(GENERAL, row("other", **conditions)) == "L-general"


def test_a_row_counts_from_its_first_day_until_before_its_last() -> None:
    old = row("old", valid_to="2026-12-01")
    new = row("new", "3 working_days", valid_from="2026-12-01")
    assert chosen(old, new, day=date(2026, 11, 30)) == "L-old"
    assert chosen(old, new, day=date(2026, 12, 1)) == "L-new"


def test_a_row_out_of_force_does_not_hide_a_general_one() -> None:
    assert chosen(GENERAL, row("was", category=RUBBISH, valid_to="2026-01-01")) == "L-general"


def test_the_same_question_twice_gives_the_same_answer_on_each_day() -> None:
    table = LimitTable(
        [row("old", valid_to="2026-12-01"), row("new", valid_from="2026-12-01")], "1 working_days", WorkCalendar()
    )
    for day, expected in ((DAY, "L-old"), (date(2026, 12, 5), "L-new"), (DAY, "L-old")):
        found, _ = table.choose(Stage.RESOLVE, "12345", Kind.HELP, Urgency.NORMAL, leaf(RUBBISH), day)
        assert found.id == expected


def test_a_missing_row_is_named() -> None:
    with pytest.raises(NoLimit, match="没有适用于“办结”的行（渠道 12345、类型 complaint、事项 C0201）"):
        chosen(row("other", channel="12369"))


def test_the_local_day_decides() -> None:
    table = LimitTable([GENERAL], "1 working_days", WorkCalendar())
    assert table.today(at("2026-12-01 00:30")) == date(2026, 12, 1)  # still November in UTC


def test_the_platforms_deadline_less_the_margin_counts_where_it_is_earlier() -> None:
    table = LimitTable([GENERAL], "1 working_days", WorkCalendar())
    found, limit = table.choose(Stage.RESOLVE, "12345", Kind.HELP, Urgency.NORMAL, leaf(RUBBISH), DAY)
    assert table.resolve_clock(found, limit, MONDAY, None).due_at == at("2026-11-30 17:30")
    assert table.resolve_clock(found, limit, MONDAY, at("2026-11-27 10:00")).due_at == at("2026-11-26 17:30")
    assert table.resolve_clock(found, limit, MONDAY, at("2026-12-27 10:00")).due_at == at("2026-11-30 17:30")
