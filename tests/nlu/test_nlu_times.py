from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.understanding import Evidence, TimeSpan
from domain.worktime import LOCAL
from nlu.findings import Finder
from nlu.times import YEARS, words

RECEIVED = datetime(2026, 11, 24, 10, 0, tzinfo=LOCAL)  # a Tuesday
FINDER = Finder([])


def times(text: str, received: datetime | None = RECEIVED) -> tuple[TimeSpan, ...]:
    return FINDER.find([(text, Evidence(received_at=received))])[0].times


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("昨晚11点楼下烧烤很吵", "2026-11-23T23:00", "2026-11-24T00:00"),
        ("昨天23:30还在放音乐", "2026-11-23T23:30", "2026-11-24T00:00"),
        ("昨晚2点工地还在浇筑", "2026-11-24T02:00", "2026-11-24T03:00"),
        ("今天凌晨3点多有人偷倒垃圾", "2026-11-24T03:00", "2026-11-24T04:00"),
        ("前天下午有人来收费", "2026-11-22T12:00", "2026-11-22T18:00"),
        ("上周六上午倒了一车渣土", "2026-11-21T08:00", "2026-11-21T12:00"),
        ("周日早上", "2026-11-22T05:00", "2026-11-22T09:00"),
        ("周六晚上八点半", "2026-11-21T20:30", "2026-11-21T21:00"),
        ("国庆期间店里乱涨价", "2026-10-01T00:00", "2026-10-08T00:00"),
        ("春节期间有人放鞭炮", "2026-02-17T00:00", "2026-02-24T00:00"),
        ("2025年3月2日签的合同", "2025-03-02T00:00", "2025-03-03T00:00"),
        ("12月5日买的手机", "2025-12-05T00:00", "2025-12-06T00:00"),
        ("11月20日晚上8点到11点跳广场舞", "2026-11-20T20:00", "2026-11-20T23:00"),
        ("十一月二十号停的水", "2026-11-20T00:00", "2026-11-21T00:00"),
        ("上个月15号", "2026-10-15T00:00", "2026-10-16T00:00"),
        ("28号那天", "2026-10-28T00:00", "2026-10-29T00:00"),
        ("三天前报过修", "2026-11-21T00:00", "2026-11-22T00:00"),
        ("半个月前", "2026-11-09T00:00", "2026-11-10T00:00"),
        ("三个小时前倒的", "2026-11-24T06:30", "2026-11-24T07:30"),
        ("半小时前还在吵", "2026-11-24T09:00", "2026-11-24T10:00"),
        ("几个小时前有人偷倒", "2026-11-24T02:30", "2026-11-24T08:30"),
        ("几天前", "2026-11-17T00:00", "2026-11-23T00:00"),
        ("去年5月份开始", "2025-05-01T00:00", "2025-06-01T00:00"),
        ("从早上6点到晚上9点", "2026-11-24T06:00", "2026-11-24T21:00"),
        ("晚上7点到次日2点", "2026-11-23T19:00", "2026-11-24T02:00"),
    ],
)
def test_a_time_is_resolved_against_receipt(text: str, start: str, end: str) -> None:
    found = times(text)
    assert [(one.start, one.end, one.recurring) for one in found] == [
        (datetime.fromisoformat(start).replace(tzinfo=LOCAL), datetime.fromisoformat(end).replace(tzinfo=LOCAL), False)
    ]
    assert found[0].text in text


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("每天半夜两点施工", "2026-11-24T02:00", "2026-11-24T03:00"),
        ("每天晚上10点以后", "2026-11-23T22:00", "2026-11-23T23:00"),
        ("每晚8点至10点", "2026-11-23T20:00", "2026-11-23T22:00"),
        ("每周六早上来摆摊", "2026-11-21T05:00", "2026-11-21T09:00"),
        ("经常凌晨四点就开工", "2026-11-24T04:00", "2026-11-24T05:00"),
    ],
)
def test_what_happens_again_and_again_is_told_by_its_last_time(text: str, start: str, end: str) -> None:
    found = times(text)
    assert [(one.start, one.end, one.recurring) for one in found] == [
        (datetime.fromisoformat(start).replace(tzinfo=LOCAL), datetime.fromisoformat(end).replace(tzinfo=LOCAL), True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "住在12号楼3单元",
        "一点也不管",
        "第8点意见",
        "2月30日",
        "13月45日",
        "99999年",
        "9999年",
        "每天9999年",
        "0001年1月1日",
        "999年前",
        "每天都这样",
        "十分着急",
        "",
        "时时刻刻",
    ],
)
def test_what_is_no_time_is_not_taken_for_one(text: str) -> None:
    assert times(text) == ()


def test_without_a_receipt_time_nothing_is_resolved() -> None:
    assert times("昨晚11点", None) == ()


def test_a_receipt_time_in_another_zone_names_the_same_days() -> None:
    utc_evening = datetime.fromisoformat("2026-11-23T18:00+00:00")  # the 24th, 02:00 in Shanghai
    assert times("昨天", utc_evening)[0].start == datetime(2026, 11, 23, tzinfo=LOCAL)


def test_never_a_time_that_ends_before_it_starts_and_never_more_than_six() -> None:
    text = "，".join(f"{day}日晚上{hour}点到{hour - 3}点" for day in range(1, 20) for hour in range(4, 13))
    found = times(text)
    assert len(found) == 6
    assert all(one.start < one.end for one in found)


PIECES = st.sampled_from(
    [
        *words(),
        *"半几十一二三0123456789年月日号点时分天周个小前到至次多左右的，:：/-.",
        "小时",
        "钟头",
        "次日",
        "9999年",
        "0001年",
    ]
)


@given(st.lists(PIECES, min_size=1, max_size=7))
@settings(max_examples=500, deadline=None)
def test_whatever_is_said_with_words_of_time_is_a_time_or_none(pieces: list[str]) -> None:
    for one in times("".join(pieces).replace("0", "3")) + times("".join(pieces)):
        assert one.start < one.end
        assert one.start.year in YEARS
