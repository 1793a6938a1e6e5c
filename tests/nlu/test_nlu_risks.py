from __future__ import annotations

import pytest

from domain.complaint import Urgency
from domain.understanding import Evidence
from nlu.findings import Finder

FINDER = Finder([])


def judged(text: str) -> tuple[tuple[str, ...], Urgency]:
    found = FINDER.find([(text, Evidence())])[0]
    return found.risks, found.urgency


@pytest.mark.parametrize(
    ("text", "risks", "urgency"),
    [
        ("楼下闻到很重的煤气味，燃气泄漏了", ("fire_or_gas",), Urgency.CRITICAL),
        ("工地塌方，有人被困", ("danger_to_life",), Urgency.CRITICAL),
        ("路口井盖缺失，很危险", ("danger_to_life",), Urgency.URGENT),
        ("几十个工人集体讨薪，在拉横幅", ("crowd",), Urgency.URGENT),
        ("老板威胁我，说要打人", ("threat",), Urgency.URGENT),
        ("拿不到钱我就跳楼", ("self_harm",), Urgency.CRITICAL),
        ("学校门口摆摊，孩子们上学不方便", ("minor",), Urgency.NORMAL),
        ("再不处理我就找记者曝光", ("media",), Urgency.NORMAL),
        ("路边摆摊影响通行", (), Urgency.NORMAL),
    ],
)
def test_words_of_risk_set_flags_and_urgency(text: str, risks: tuple[str, ...], urgency: Urgency) -> None:
    assert judged(text) == (risks, urgency)


@pytest.mark.parametrize(
    "text",
    [
        "没有煤气泄漏，就是油烟大",
        "并未发生火灾",
        "未发现有人受伤",
        "为了防止发生火灾请检查",
        "不会爆炸吧",
        "严禁明火",
        "不存在聚众的情况",
    ],
)
def test_what_is_denied_or_to_be_prevented_sets_no_flag(text: str) -> None:
    assert judged(text) == ((), Urgency.NORMAL)


def test_a_denial_of_help_is_no_denial_of_the_danger() -> None:
    assert judged("没人管触电怎么办")[0] == ("danger_to_life",)
    assert judged("没有煤气泄漏，但是隔壁着火了") == (("fire_or_gas",), Urgency.CRITICAL)


@pytest.mark.parametrize("text", ["堆在楼道里，担心发生火灾", "飞线充电容易引起火灾", "消除火灾隐患"])
def test_a_feared_fire_is_not_a_burning_one(text: str) -> None:
    risks, urgency = judged(text)
    assert "fire_or_gas" in risks
    assert urgency is not Urgency.CRITICAL


def test_traditional_characters_are_understood() -> None:
    assert judged("樓下起火，濃煙很大") == (("fire_or_gas",), Urgency.CRITICAL)
