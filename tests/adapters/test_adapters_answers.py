"""What platforms say later and how they answer our reports, each in its own words; and when a report is fit to go."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from platforms import CODES, channel, settings
from pydantic import ValidationError

from adapters.channel import Refused, Report, Unreadable
from adapters.listing import Standing
from adapters.report import SHORTCOMING_NAMES, Shortcoming
from domain.platform import PlatformMessage, Said

AT = datetime(2026, 11, 24, 1, 12, 33, tzinfo=UTC)

MESSAGES: dict[str, tuple[dict[str, Any], PlatformMessage]] = {
    "12345": (
        {"messageId": "M-1", "actionType": "62", "opinion": "好", "isSolved": "1", "satisfaction": "基本满意"},
        PlatformMessage("M-1", Said.RATED, "好", "yes", "basically"),
    ),
    "12319": (
        {"XXBH": 20261124001, "CZLX": "延期不批准", "YJ": "理由不足", "SJ": "20261124091233"},
        PlatformMessage("20261124001", Said.EXTENSION_REFUSED, "理由不足", said_at=AT),
    ),
    "12369": (
        {"msgNo": "E1", "type": "withdrawn", "reason": "举报人撤回", "time": "2026-11-24 09:12:33"},
        PlatformMessage("E1", Said.RECALLED, "举报人撤回", said_at=AT),
    ),
    "e-steward": (
        {"eventId": "e1", "event": "rate", "stars": 5, "solved": True, "at": "2026-11-24T09:12:33+08:00"},
        PlatformMessage("e1", Said.RATED, "", "yes", "satisfied", AT),
    ),
}


def read(code: str, body: object, **more: Any) -> PlatformMessage:
    return channel(code, **more).message(json.dumps(body, ensure_ascii=False).encode())


@pytest.mark.parametrize("code", CODES)
def test_each_platform_speaks_its_own_words(code: str) -> None:
    body, meant = MESSAGES[code]
    assert channel(code).says_more
    assert read(code, body) == meant


@pytest.mark.parametrize("code", CODES)
def test_every_bad_field_is_named(code: str) -> None:
    number, action, *_ = MESSAGES[code][0]
    with pytest.raises(Refused) as refused:
        read(code, {action: "跳舞"})
    problems = {one.field: one.code for one in refused.value.problems}
    assert problems == {number: "missing", action: "value"}
    with pytest.raises(Refused) as refused:
        read(code, [])
    assert refused.value.problems[0].code == "type"


def test_a_word_that_is_no_rating_and_a_time_that_is_none_are_refused() -> None:
    body = MESSAGES["12345"][0] | {"satisfaction": "一般般", "actionTime": "昨天", "opinion": "长" * 2001}
    with pytest.raises(Refused) as refused:
        read("12345", body)
    assert {one.field for one in refused.value.problems} == {"satisfaction", "actionTime", "opinion"}


def test_names_and_words_are_changed_in_the_configuration() -> None:
    renamed = {"number": "id", "words": {"崔办": "urged"}}
    assert read("12345", {"id": "1", "actionType": "崔办"}, actions=renamed).said is Said.URGED
    with pytest.raises(ValidationError):
        settings("12345", actions={"words": {"x": "dance"}})


def test_a_channel_that_says_nothing_more() -> None:
    silent = channel("12345", actions=None, receipt=None)
    assert not silent.says_more
    assert silent.answered(b'{"actionType": "61"}', "R1") is None
    assert silent.refusal(b'{"code": "500"}') == ""


@pytest.mark.parametrize(
    ("code", "answer", "reason"),
    [
        ("12345", {"code": "200", "message": "成功"}, ""),
        ("12345", {"code": 200}, ""),
        ("12345", {"code": "400", "message": "content 不能为空"}, "content 不能为空"),
        ("12345", {"code": "500"}, "平台回答代码 500"),
        ("12345", {"message": "?"}, ""),
        ("12319", {"errcode": 0}, ""),
        ("12319", {"errcode": 40001, "errmsg": "AJZT 不合法"}, "AJZT 不合法"),
        ("12369", {"status": "ok"}, ""),
        ("12369", {"status": "rejected", "reason": "过短"}, "过短"),
        ("e-steward", {"result": "ok"}, ""),
        ("e-steward", {"result": "rejected", "message": "过短"}, "过短"),
    ],
)
def test_an_answer_says_whether_a_report_was_taken(code: str, answer: dict[str, Any], reason: str) -> None:
    assert channel(code).refusal(json.dumps(answer).encode()) == reason


@pytest.mark.parametrize("answer", [b"", b"OK", b"[1]", b"<html>", b"{", b'{"code": {}}', b"\xff"])
def test_an_answer_that_says_nothing_refuses_nothing(answer: bytes) -> None:
    for code in CODES:
        assert channel(code).refusal(answer) == ""
        assert channel(code).answered(answer, "R1") is None


def test_an_answer_may_decide_at_once() -> None:
    answer = json.dumps({"code": "200", "actionType": "53", "opinion": "不同意"}).encode()
    assert channel("12345").answered(answer, "R1") == PlatformMessage("R1", Said.EXTENSION_REFUSED, "不同意")
    broken = json.dumps({"actionType": "53", "opinion": 7}).encode()
    assert channel("12345").answered(broken, "R1") is None


def test_a_platforms_list_names_tickets_as_they_are_sent() -> None:
    """Full-width digits and spaces are no other ticket: it would be missed here and fetched again each night."""
    items: list[Any] = [
        {"orderNum": " ＧＤ２０２６０１ ", "orderState": "３０"},
        {"orderNum": 7, "orderState": 60},
        {"orderNum": "A1", "orderState": "99"},
        *({"orderNum": None}, {"orderNum": ""}, {"orderNum": ["x"]}, {"orderState": "30"}, "x", None),
    ]
    found = channel("12345").listed(json.dumps({"data": {"list": items}}).encode())
    assert [(one.number, one.standing, one.state) for one in found] == [
        ("GD202601", Standing.HANDLING, "30"),
        ("7", Standing.RESOLVED, "60"),
        ("A1", None, "99"),
    ]
    for nothing in (b"{}", b'{"data": []}', b'{"data": {"list": {}}}', b"[]", b"x"):
        with pytest.raises(Unreadable):
            channel("12345").listed(nothing)


def test_the_suffix_is_not_part_of_the_number() -> None:
    assert channel("12345").source("A1-02") == ("A1", 2)
    assert channel("12345").source("-02") == ("-02", 0)
    assert channel("12319").source("A1-02") == ("A1-02", 0)


@pytest.mark.parametrize("code", CODES)
def test_the_schema_names_what_is_required(code: str) -> None:
    schema = channel(code).message_schema()
    body = MESSAGES[code][0]
    assert set(schema["required"]) == set(list(body)[:2])
    assert set(body) <= set(schema["properties"])


def report(action: str = "resolved", text: str = "已劝离流动摊贩七处，清理垃圾两车", **more: Any) -> Report:
    told: dict[str, Any] = {"unit_name": "一大队", "text": text, **more}
    return Report("FH20261124-0001", "A1", action, AT, **told)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (report(), ()),
        (report(text=" "), (Shortcoming.NO_TEXT,)),
        (report(text="已清理并劝离"), (Shortcoming.THIN,)),
        (report(text="您反映的问题已处理完毕，感谢您的理解和支持！"), (Shortcoming.STOCK,)),
        (report(text="已安排相关部门人员现场处理，并联系市民告知"), (Shortcoming.STOCK,)),
        (report("accepted", text=""), ()),
        (report("closed", text=""), ()),
        (report("referred", text="县水务局"), ()),
        (report("referred", text=""), (Shortcoming.NO_TEXT,)),
        (report("extension_asked", text=""), (Shortcoming.NO_TEXT,)),
    ],
)
def test_what_a_report_is_marked_down_for(told: Report, found: tuple[Shortcoming, ...]) -> None:
    assert channel("12345").shortcomings(told, None) == found


def test_late_is_after_the_platforms_deadline() -> None:
    assert channel("12345").shortcomings(report(), AT) == ()
    assert channel("12345").shortcomings(report(), AT - timedelta(seconds=1)) == (Shortcoming.LATE,)
    assert channel("12345").shortcomings(report("closed", text=""), AT - timedelta(days=1)) == ()
    assert set(SHORTCOMING_NAMES) == set(Shortcoming)


@pytest.mark.parametrize("code", CODES)
def test_a_text_is_kept_within_the_platforms_limit_and_marked(code: str) -> None:
    long = report(text="巡查了第一处点位并作了清理。" * 300)
    told = channel(code).report(long)
    assert told is not None
    longest = max(len(str(one)) for one in told.values())
    assert longest in {500, 1000, 2000} and any(str(one).endswith("…") for one in told.values())
    assert channel(code).shortcomings(long, None) == (Shortcoming.CUT,)


def test_an_extension_says_how_many_days() -> None:
    fields = {"12345": "delayDays", "12319": "YQTS", "12369": "extendDays"}
    for code, field in fields.items():
        assert (channel(code).report(report("extension_asked", working_days=3)) or {})[field] == 3
        assert field not in (channel(code).report(report()) or {})
