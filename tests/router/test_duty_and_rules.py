"""A and B posts, and each condition of a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from town import CITY, MONDAY, OFFICER, RUBBISH, SUPERVISION, at, case, router, settings, tree, written_settings

from domain.absence import Absence, by_account
from domain.category import Category
from domain.complaint import Kind, Urgency
from router.duty import Roster
from router.rules import RISKS, Facts, holds
from router.settings import PlaceSettings, Posts, RouterSettings, When

POSTS = Posts(owner="a3", backup="a4")


def away(**absences: tuple[str, str]) -> RouterSettings:
    """The town with some of brigade-1's people away, from–to by account."""
    units = written_settings()["units"]
    for person in units[0]["people"]:
        if person["account"] in absences:
            start, end = absences[person["account"]]
            person["off_duty"] = [{"from": start, "to": end}]
    return settings(units=units)


WHOLE_DAY = ("2026-11-23T00:00:00", "2026-11-24T00:00:00")


def handler(town: RouterSettings, now: datetime = MONDAY, posts: Posts | None = POSTS) -> str:
    return Roster(town.units).on_duty(CITY, posts, now).handler


def test_the_a_post_handles_while_on_duty() -> None:
    duty = Roster(settings().units).on_duty(CITY, POSTS, MONDAY)
    assert (duty.owner, duty.backup, duty.handler, duty.why) == ("a3", "a4", "a3", "经办：测试员a3（A岗）")


def test_the_b_post_handles_while_a_is_away() -> None:
    duty = Roster(away(a3=WHOLE_DAY).units).on_duty(CITY, POSTS, MONDAY)
    assert (duty.owner, duty.handler, duty.why) == ("a3", "a4", "经办：测试员a4（B岗）；A岗测试员a3离岗")


def test_no_post_is_ever_empty() -> None:
    assert handler(away(a3=WHOLE_DAY, a4=WHOLE_DAY)) == "a1"  # the head
    assert handler(away(a3=WHOLE_DAY, a4=WHOLE_DAY, a1=WHOLE_DAY)) == "a2"  # the head's deputy
    assert handler(away(a3=WHOLE_DAY, a4=WHOLE_DAY, a1=WHOLE_DAY, a2=WHOLE_DAY)) == "a2"


def test_a_unit_that_is_no_longer_configured_keeps_its_posts() -> None:
    roster = Roster(away(a3=WHOLE_DAY, a4=WHOLE_DAY).units)
    assert roster.on_duty("brigade-gone", Posts(owner="a5", backup="a4"), MONDAY).handler == "a5"
    assert roster.on_duty("brigade-gone", POSTS, MONDAY).handler == "a4"


def test_without_a_cell_the_head_handles() -> None:
    assert handler(settings(), posts=None) == "a1"
    assert handler(away(a1=WHOLE_DAY), posts=None) == "a2"


@pytest.mark.parametrize(
    ("now", "expected"),
    [("08:59", "a3"), ("09:00", "a4"), ("11:59", "a4"), ("12:00", "a3")],
)
def test_an_absence_begins_at_its_start_and_is_over_at_its_end(now: str, expected: str) -> None:
    town = away(a3=("2026-11-23T09:00:00", "2026-11-23T12:00:00"))
    assert handler(town, at(f"2026-11-23 {now}")) == expected


def test_an_absence_may_name_its_zone() -> None:
    town = away(a3=("2026-11-23T01:00:00Z", "2026-11-23T04:00:00Z"))
    assert handler(town, at("2026-11-23 10:00")) == "a4"
    assert handler(town, at("2026-11-23 08:00")) == "a3"


def test_absences_that_were_imported_count_beside_those_of_the_settings() -> None:
    imported = by_account([Absence("a3", at("2026-11-23 09:00"), at("2026-11-23 12:00"))])
    town = away(a4=("2026-11-23T10:00:00", "2026-11-23T11:00:00"))
    roster = Roster(town.units)
    seen = [
        roster.on_duty(CITY, POSTS, at(f"2026-11-23 {now}"), imported).handler
        for now in ("08:59", "09:00", "10:00", "12:00")
    ]
    assert seen == ["a3", "a4", "a1", "a3"]
    assert roster.away(at("2026-11-23 10:00"), imported) == {"a3", "a4"}
    assert roster.away(at("2026-11-23 11:30"), imported) == {"a3"}


def test_a_share_routed_to_a_stand_in_says_for_whom() -> None:
    imported = by_account([Absence("a3", at("2026-11-23 00:00"), at("2026-11-24 00:00"))])
    one = case(RUBBISH)
    there, away_now = router().route(one, MONDAY), router().route(one, MONDAY, imported)
    assert [(s.handler, s.stands_in_for) for s in there.assignments] == [("a3", "")]
    assert [(s.handler, s.stands_in_for) for s in away_now.assignments] == [("a4", "a3")]


def test_who_belongs_where() -> None:
    roster = Roster(settings().units)
    assert roster.is_person_of("a3", CITY)
    assert not roster.is_person_of("b2", CITY)
    assert not roster.is_person_of("nobody", CITY)
    assert (roster.name("a3"), roster.name("nobody")) == ("测试员a3", "nobody")
    assert (roster.head(CITY), roster.head("brigade-9")) == ("a1", "")


# ── rules ──────────────────────────────────────────────────────────────────

LEAF = Category("C0101", "占道经营", "市容秩序", "城市管理", unit=CITY)
PLACE = PlaceSettings(code="001", name="石桥社区", area="A1")
FACTS = Facts(
    category=LEAF,
    kind=Kind.COMPLAINT,
    urgency=Urgency.URGENT,
    channel="12345",
    place=PLACE,
    risks=("crowd",),
    text="菜场门口占道摆摊",
    reported_at=at("2026-11-23 23:10"),
)


def test_a_rule_without_conditions_holds_for_all() -> None:
    assert holds(When(), FACTS)


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        ("category", ["E0101", "C0101"], ["E0101"]),
        ("group", ["市容秩序"], ["环境卫生"]),
        ("branch", ["城市管理"], ["企业管理"]),
        ("kind", ["complaint", "help"], ["help"]),
        ("urgency", ["urgent"], ["normal", "critical"]),
        ("channel", ["12345"], ["12319"]),
        ("place", ["001"], ["002"]),
        ("area", ["A1"], ["A2"]),
        ("risk", ["crowd", "media"], ["media"]),
        ("words", ["摆摊", "夜市"], ["夜市"]),
        ("hours", [22, 6], [6, 22]),
    ],
)
def test_each_condition(condition: str, met: list[Any], unmet: list[Any]) -> None:
    assert holds(When.model_validate({condition: met}), FACTS)
    assert not holds(When.model_validate({condition: unmet}), FACTS)
    # every named condition must hold
    assert not holds(
        When.model_validate({"channel": ["12369"], **({condition: met} if condition != "channel" else {})}), FACTS
    )


def test_a_condition_on_the_place_fails_where_nobody_knows_it() -> None:
    nowhere = replace(FACTS, place=None)
    assert not holds(When(place=("001",)), nowhere)
    assert not holds(When(area=("A1",)), nowhere)


@pytest.mark.parametrize(
    ("hour", "night", "day"),
    [(21, False, True), (22, True, False), (0, True, False), (5, True, False), (6, False, True)],
)
def test_hours_may_pass_midnight(hour: int, night: bool, day: bool) -> None:
    facts = replace(FACTS, reported_at=at("2026-11-23 00:00") + timedelta(hours=hour, minutes=59))
    assert holds(When(hours=(22, 6)), facts) is night
    assert holds(When(hours=(6, 22)), facts) is day


def test_the_risks_that_rules_may_name_are_those_that_the_model_finds() -> None:
    lists = yaml.safe_load((Path(__file__).parents[2] / "nlu" / "risks.yml").read_text(encoding="utf-8"))
    assert set(lists) - {"urgent_words"} == RISKS


def test_the_supervision_group_is_a_unit_of_the_tree() -> None:
    leaf = tree().get(OFFICER)
    assert leaf is not None
    assert leaf.unit == SUPERVISION
