"""Every mistake in the router's settings is found, at its place, in words that say what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from town import SUPERVISION, boundaries, settings, tree, written_settings

from domain.limit import Stage
from router.checks import Path, check_router

CHANNELS = frozenset({"12345", "12319", "phone"})
Change = Callable[[dict[str, Any]], Any]


def found(change: Change | None = None, codes: tuple[str, ...] = ("001", "002", "003")) -> list[tuple[Path, str]]:
    """The mistakes of the town's settings after `change` has been made to them."""
    written = written_settings()
    if change is not None:
        change(written)
    return check_router(settings(**written), tree(), boundaries(codes=codes), CHANNELS)


def limit(**row: Any) -> dict[str, Any]:
    return {"id": "L-new", "stage": "resolve", "limit": "2 working_days", **row}


def rule(**parts: Any) -> dict[str, Any]:
    return {"id": "R-new", "name": "新规则", "when": {"channel": ["12345"]}, "then": {"desk": True}, **parts}


def added_rule(**parts: Any) -> Change:
    return lambda it: it["rules"].append(rule(**parts))


def added_limit(**row: Any) -> Change:
    return lambda it: it["limits"].append(limit(**row))


def test_the_towns_settings_are_right() -> None:
    assert found() == []


UNITS = ("units",)
TERRITORY = ("territory",)
NEW_RULE = ("rules", 5)
NEW_LIMIT = ("limits", 12)


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        # units and people
        (lambda it: it["units"][1].update(code="brigade-1"), (*UNITS, 1, "code"), "单位代码 brigade-1 与第 1 项重复"),
        (lambda it: it["units"].pop(4), UNITS, "请增加代码为 supervision-group 的单位"),
        (lambda it: it["units"].pop(1), UNITS, "派给 brigade-2 的事项"),
        (
            lambda it: it["units"][0].update(head="b1"),
            (*UNITS, 0, "head"),
            "账号 b1 不是一大队的人员，可用：a1、a2、a3、a4",
        ),
        (lambda it: it["units"][0].update(backup="x9"), (*UNITS, 0, "backup"), "账号 x9 不是一大队的人员"),
        (lambda it: it["units"][0].update(backup="a1"), (*UNITS, 0, "backup"), "代理人与负责人同为 a1"),
        (
            lambda it: it["units"][1]["people"].append({"account": "a1", "name": "试"}),
            (*UNITS, 1, "people", 3, "account"),
            "账号 a1 已列在一大队",
        ),
        (
            lambda it: it["units"][0]["people"][2].update(
                off_duty=[{"from": "2026-12-05T00:00:00", "to": "2026-12-01T00:00:00"}]
            ),
            (*UNITS, 0, "people", 2, "off_duty", 0, "to"),
            "离岗结束时间 2026-12-01 00:00 应晚于开始时间 2026-12-05 00:00",
        ),
        # territory
        (
            lambda it: it["territory"]["areas"].append({"code": "A1", "name": "又一区"}),
            (*TERRITORY, "areas", 2, "code"),
            "责任区代码 A1 与第 1 项重复",
        ),
        (
            lambda it: it["territory"]["places"][1].update(area="A9"),
            (*TERRITORY, "places", 1, "area"),
            "责任区“A9”不存在，可用：A1、A2",
        ),
        (
            lambda it: it["territory"]["places"][2]["words"].append("石桥菜场"),
            (*TERRITORY, "places", 2, "words", 1),
            "地名词“石桥菜场”同时指石桥社区和云岭村",
        ),
        (
            lambda it: it["territory"]["places"][2]["words"].append("石桥"),
            (*TERRITORY, "places", 2, "words", 1),
            "地名词“石桥”同时指石桥社区和云岭村",
        ),
        (
            lambda it: it["territory"]["places"][2]["words"].append("河"),
            (*TERRITORY, "places", 2, "words", 1),
            "太短，至少两个字",
        ),
        (
            lambda it: it["territory"]["grids"][0].update(unit="brigade-9"),
            (*TERRITORY, "grids", 0, "unit"),
            "单位“brigade-9”不存在",
        ),
        (
            lambda it: it["territory"]["grids"][1].update(code="cg"),
            (*TERRITORY, "grids", 1, "code"),
            "网格代码 cg 与第 1 项重复",
        ),
        (
            lambda it: it["territory"]["grids"][0]["areas"].pop("A2"),
            (*TERRITORY, "grids", 0, "areas"),
            "没有指定责任区 A2 的A、B岗",
        ),
        (
            lambda it: it["territory"]["grids"][0]["areas"].update(A9={"owner": "a3", "backup": "a4"}),
            (*TERRITORY, "grids", 0, "areas", "A9"),
            "责任区“A9”不存在",
        ),
        (
            lambda it: it["territory"]["grids"][0]["cells"].update({"900": {"owner": "a3", "backup": "a4"}}),
            (*TERRITORY, "grids", 0, "cells", "900"),
            "村社区“900”不存在，可用：001、002、003",
        ),
        (
            lambda it: it["territory"]["grids"][0]["areas"]["A1"].update(owner="b2"),
            (*TERRITORY, "grids", 0, "areas", "A1", "owner"),
            "账号 b2 不是一大队的人员",
        ),
        (
            lambda it: it["territory"]["grids"][0]["cells"]["002"].update(backup="a2"),
            (*TERRITORY, "grids", 0, "cells", "002", "backup"),
            "A岗与B岗同为 a2",
        ),
        # rules
        (added_rule(id="R-noise"), (*NEW_RULE, "id"), "规则编号 R-noise 与第 3 项重复"),
        (added_rule(when={"category": ["C0101", "C9999"]}), (*NEW_RULE, "when", "category", 1), "“C9999”不存在"),
        (added_rule(when={"group": ["没有的类"]}), (*NEW_RULE, "when", "group", 0), "可用：交通管理、"),
        (added_rule(when={"branch": ["没有的类"]}), (*NEW_RULE, "when", "branch", 0), "可用：企业管理、"),
        (added_rule(when={"channel": ["12344"]}), (*NEW_RULE, "when", "channel", 0), "可用：12319、12345、phone"),
        (added_rule(when={"place": ["900"]}), (*NEW_RULE, "when", "place", 0), "可用：001、002、003"),
        (added_rule(when={"area": ["A9"]}), (*NEW_RULE, "when", "area", 0), "可用：A1、A2"),
        (added_rule(when={"risk": ["boredom"]}), (*NEW_RULE, "when", "risk", 0), "danger_to_life"),
        (added_rule(when={"words": ["占道", " "]}), (*NEW_RULE, "when", "words", 1), "空白词会使规则对所有诉求成立"),
        (added_rule(when={"hours": [22, 30]}), (*NEW_RULE, "when", "hours"), "钟点 [22, 30] 不成立"),
        (added_rule(when={"hours": [8, 8]}), (*NEW_RULE, "when", "hours"), "钟点 [8, 8] 不成立"),
        (added_rule(when={}), (*NEW_RULE, "when"), "规则没有任何条件"),
        (added_rule(then={"unit": "brigade-9"}), (*NEW_RULE, "then", "unit"), "单位“brigade-9”不存在"),
        (added_rule(then={"department": "nobody"}), (*NEW_RULE, "then", "department"), "可用：power、traffic-police"),
        (added_rule(then={"helpers": ["brigade-9"]}), (*NEW_RULE, "then", "helpers", 0), "单位“brigade-9”不存在"),
        (added_rule(then={"helpers": [SUPERVISION]}), (*NEW_RULE, "then", "helpers", 0), "督察组不作协办单位"),
        (
            added_rule(then={"unit": "brigade-1", "desk": True}),
            (*NEW_RULE, "then"),
            "只能有一个去向，现在写了 unit、desk",
        ),
        (added_rule(then={}), (*NEW_RULE, "then"), "规则没有任何处置"),
        # limits
        (added_limit(id="L-resolve", kind="help"), (*NEW_LIMIT, "id"), "时限编号 L-resolve 与第 7 项重复"),
        (added_limit(channel="12344"), (*NEW_LIMIT, "channel"), "渠道“12344”不存在"),
        (
            added_limit(category="C9999"),
            (*NEW_LIMIT, "category"),
            "时限类别可用：building、cleanup、noise、order、pollution",
        ),
        (added_limit(category=""), (*NEW_LIMIT, "category"), "既不是事项分类代码也不是时限类别"),
        (
            added_limit(kind="help", valid_from="2026-12-01", valid_to="2026-12-01"),
            (*NEW_LIMIT, "valid_to"),
            "失效日期 2026-12-01（不含）应晚于生效日期 2026-12-01",
        ),
        (
            added_limit(stage="extend", kind="help", limit="24 natural_hours"),
            (*NEW_LIMIT, "limit"),
            "应写成 working_days",
        ),
        (added_limit(), NEW_LIMIT, "时限 L-new 与 L-resolve 的适用条件完全相同且有效期重叠"),
        (added_limit(valid_from="2026-12-01"), NEW_LIMIT, "有效期重叠"),
        (added_limit(category="cleanup"), NEW_LIMIT, "时限 L-new 与 L-resolve-cleanup"),
        # return reasons
        (
            lambda it: it["return_reasons"].append({"code": "R1", "name": "又一原因"}),
            ("return_reasons", 2, "code"),
            "退单原因代码 R1 与第 1 项重复",
        ),
    ],
)
def test_a_mistake_is_named_at_its_place(change: Change, where: Path, said: str) -> None:
    there = found(change)
    assert any(at == where and said in message for at, message in there), there


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_without_a_row_for_everything_is_named(stage: Stage) -> None:
    def without(it: dict[str, Any]) -> None:
        it["limits"] = [one for one in it["limits"] if one["id"] != f"L-{stage}"]

    assert [(at, f"stage: {stage}" in message) for at, message in found(without)] == [(("limits",), True)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"valid_to": "2026-12-01"}], "自 2026-12-01 起没有兜底的时限"),
        ([{"valid_from": "2026-12-01"}], "2026-12-01 之前没有兜底的时限"),
        (
            [{"valid_to": "2026-06-01"}, {"valid_from": "2026-07-01", "id": "L-later"}],
            "2026-06-01 至 2026-07-01 之前没有兜底的时限",
        ),
    ],
)
def test_a_gap_in_the_rows_for_everything_is_named(rows: list[dict[str, str]], said: str) -> None:
    def with_gap(it: dict[str, Any]) -> None:
        it["limits"] = [one for one in it["limits"] if one["id"] != "L-accept"]
        it["limits"] += [{"id": "L-accept", "stage": "accept", "limit": "4 working_hours", **row} for row in rows]

    there = found(with_gap)
    assert [at for at, _ in there] == [("limits",)]
    assert said in there[0][1]


def test_rows_that_follow_one_another_are_right() -> None:
    def followed(it: dict[str, Any]) -> None:
        it["limits"][6]["valid_to"] = "2027-01-01"
        it["limits"].append(limit(valid_from="2027-01-01"))

    assert found(followed) == []


def test_a_passing_row_leaves_no_gap_beside_one_that_stands() -> None:
    there = found(added_limit(valid_from="2026-12-01", valid_to="2026-12-05"))
    assert [at for at, _ in there] == [NEW_LIMIT]  # a rival of the standing row, but no gap


def test_a_code_and_its_time_class_do_not_rival_each_other() -> None:
    assert found(added_limit(category="C0201")) == []


def test_boundaries_and_places_belong_together() -> None:
    where = ("territory", "boundaries")
    assert found(codes=("001", "002")) == [(where, "边界文件中没有 云岭村（003）的边界，按坐标无法定位到它，请补上")]
    assert found(codes=("001", "002", "003", "999")) == [
        (where, "边界文件中的代码 999 不是本镇的村社区，可用：001、002、003")
    ]
    assert found(codes=("001", "002", "003", "003"))[0][0] == where


def test_every_mistake_is_found_at_once() -> None:
    def spoilt(it: dict[str, Any]) -> None:
        it["units"][0]["head"] = "x1"
        it["rules"].append(rule(then={"unit": "brigade-9"}))
        it["limits"].append(limit(channel="12344"))

    assert [at for at, _ in found(spoilt)] == [
        ("units", 0, "head"),
        ("rules", 5, "then", "unit"),
        ("limits", 12, "channel"),
    ]
