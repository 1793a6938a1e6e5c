"""The channels' addresses over real HTTP: the promised answers, duplicates, and every refusal."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service import PATHS, Caller, sample, signed_headers

EXPECTED = {
    "12345": ("C0101", "brigade-1", "cs-208"),
    "12319": ("C0401", "brigade-1", "cs-002"),
    "12369": ("E0101", "brigade-2", "qy-211"),
    "e-steward": ("J0101", "brigade-3", "js-005"),
}
"""Channel → the category, brigade and cell of its shipped sample."""


@pytest.mark.parametrize("channel", EXPECTED)
async def test_a_shipped_sample_reaches_its_brigade_and_cell(caller: Caller, channel: str) -> None:
    answer = await caller.send(channel, sample(channel))
    assert answer.status == 201, answer.body
    told = answer.body
    category, brigade, cell = EXPECTED[channel]
    assert told["duplicate"] is False
    assert told["status"] == "dispatched", told["why"]
    assert (told["category"]["code"], told["brigade"]["code"], told["cell"]["code"]) == (category, brigade, cell)
    assert told["category"]["name"] and told["brigade"]["name"] and told["cell"]["name"]
    assert 0 < told["confidence"] <= 1
    assert "办结时限" in told["why"]
    ticket = await caller.get(f"/api/v1/tickets/{told['ticket_no']}")
    assert ticket.status == 200
    assert ticket.body["channel"] == channel
    assert ticket.body["assignments"][0]["brigade"]["code"] == brigade


async def test_the_same_number_again_is_the_same_ticket(caller: Caller) -> None:
    first = await caller.send("12345", sample("12345"))
    again = await caller.send("12345", sample("12345"))
    assert again.status == 200
    assert again.body == {**first.body, "duplicate": True}
    events = await caller.get(f"/api/v1/tickets/{first.body['ticket_no']}/events")
    assert "sent_differently" not in [one["action"] for one in events.body["events"]]


async def test_a_differing_body_is_kept_as_an_event(caller: Caller) -> None:
    first = await caller.send("12345", sample("12345"))
    changed = {**sample("12345"), "majorContent": "恬庄古街北入口的流动摊贩更多了，已经没法走路。"}
    again = await caller.send("12345", changed)
    assert again.status == 200
    assert again.body["ticket_no"] == first.body["ticket_no"]
    events = (await caller.get(f"/api/v1/tickets/{first.body['ticket_no']}/events")).body["events"]
    differing = [one for one in events if one["action"] == "sent_differently"]
    assert [one["data"]["fields"] for one in differing] == [["content"]]


async def test_a_suffix_is_a_new_version_of_the_same_ticket(caller: Caller) -> None:
    first = await caller.send("12345", sample("12345"))
    second = await caller.send("12345", {**sample("12345"), "orderNum": sample("12345")["orderNum"] + "-01"})
    assert second.body["ticket_no"] == first.body["ticket_no"]
    assert second.body["duplicate"] is True
    ticket = (await caller.get(f"/api/v1/tickets/{first.body['ticket_no']}")).body
    assert ticket["source_version"] == 1
    assert ticket["counts"]["urges"] == 1


async def test_an_array_is_answered_member_by_member(caller: Caller) -> None:
    members = sample("12345-array")
    answer = await caller.send("12345", members)
    assert answer.status == 201
    assert len(answer.body) == len(members)
    assert len({one["ticket_no"] for one in answer.body}) == len(members)
    assert (await caller.send("12345", members)).status == 200


async def test_one_bad_row_among_a_hundred_harms_no_other(caller: Caller) -> None:
    rows = [{**sample("12345"), "orderNum": f"ROW{number:05d}"} for number in range(100)]
    rows[41] = {"orderNum": "ROW00041", "callTime": "明天"}
    answer = await caller.send("12345", rows)
    assert answer.status == 207
    assert len(answer.body) == 100
    refused = answer.body[41]
    assert refused["status"] == 422
    assert sorted(one["field"] for one in refused["errors"]) == ["callTime", "majorContent"]
    assert all(one.get("ticket_no") for number, one in enumerate(answer.body) if number != 41)
    # Corrected and sent again, the batch is all there: 99 duplicates and the one that is new.
    rows[41] = {**sample("12345"), "orderNum": "ROW00041"}
    again = await caller.send("12345", rows)
    assert again.status == 201
    assert [one["duplicate"] for one in again.body].count(False) == 1


async def test_a_repeated_number_within_one_array_is_one_ticket(caller: Caller) -> None:
    answer = await caller.send("12345", [sample("12345"), sample("12345")])
    assert answer.status == 201
    assert answer.body[0]["ticket_no"] == answer.body[1]["ticket_no"]
    assert [one["duplicate"] for one in answer.body] == [False, True]


async def test_a_claim_outside_our_duty_says_whose_it_is(caller: Caller) -> None:
    body = {**sample("12345"), "orderNum": "OUT1", "title": "家里停电", "questionCode": None, "reflectName": None}
    body["majorContent"] = (
        "桃源小区3幢昨晚开始停电，整栋楼没有电，冰箱里的东西都坏了，打供电所电话没人接，请尽快恢复供电。"
    )
    answer = await caller.send("12345", body)
    assert answer.status == 201
    assert answer.body["status"] == "transferred", answer.body
    assert answer.body["brigade"] is None and answer.body["cell"] is None
    assert answer.body["refer_to"] == {"code": "power-grid", "name": "供电公司"}
    assert "95598" in answer.body["why"]


async def test_what_nobody_understands_goes_to_the_desk(caller: Caller) -> None:
    body = {"orderNum": "DESK1", "majorContent": "你好，在吗", "callTime": "2026-11-20 09:00:00"}
    answer = await caller.send("12345", body)
    assert answer.status == 201
    assert answer.body["status"] == "triage"
    assert answer.body["brigade"] is None and answer.body["cell"] is None
    ticket = (await caller.get(f"/api/v1/tickets/{answer.body['ticket_no']}")).body
    assert [clock["stage"] for clock in ticket["desk_clocks"]] == ["dispatch"]


async def test_a_complaint_about_officers_never_reaches_their_brigade(caller: Caller) -> None:
    body = {"orderNum": "S1", "callTime": "2026-11-20 09:00:00", "title": "城管队员态度恶劣"}
    body["majorContent"] = (
        "恬庄古街的城管队员执法时态度恶劣，张口就骂人，还把老人的菜掀翻在地，要求对这名执法人员严肃处理。"
    )
    answer = await caller.send("12345", body)
    assert answer.body["status"] == "dispatched", answer.body
    assert answer.body["brigade"]["code"] == "supervision-group"


# Refusals


def problem(answer: Any, status: int) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["status"] == status
    assert answer.body["type"].startswith("/problems/")
    assert answer.body["title"] and answer.body["detail"]


async def test_a_wrong_signature_is_refused(caller: Caller) -> None:
    content = json.dumps(sample("12345")).encode()
    headers = {**signed_headers("12345", content), "X-Signature": "0" * 64}
    async with caller.client.post(PATHS["12345"], data=content, headers=headers) as response:
        assert response.status == 401
        assert (await response.json(content_type=None))["code"] == "mismatch"


async def test_another_channels_secret_does_not_open_this_one(caller: Caller) -> None:
    content = json.dumps(sample("12345")).encode()
    async with caller.client.post(PATHS["12345"], data=content, headers=signed_headers("12319", content)) as response:
        assert response.status == 401


async def test_missing_headers_are_named(caller: Caller) -> None:
    async with caller.client.post(PATHS["12345"], data=b"{}") as response:
        assert response.status == 401
        told = await response.json(content_type=None)
    assert all(name in told["detail"] for name in ("X-Timestamp", "X-Nonce", "X-Signature"))


@pytest.mark.parametrize("offset", [-301, 302, -86_400, 10_000_000])
async def test_an_old_or_future_timestamp_is_refused(caller: Caller, offset: int) -> None:
    answer = await caller.send("12345", sample("12345"), at=time.time() + offset)
    problem(answer, 401)
    assert answer.body["code"] == "skew"


async def test_a_replayed_nonce_is_refused(caller: Caller) -> None:
    first = await caller.send("12345", sample("12345"), nonce="once-only")
    assert first.status == 201
    other = await caller.send("12345", {**sample("12345"), "orderNum": "OTHER"}, nonce="once-only")
    problem(other, 401)
    assert other.body["code"] == "replayed"
    found = await caller.get("/api/v1/tickets")
    assert len(found.body["items"]) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b"3", 400),
        (b'"text"', 400),
        ('{"orderNum": "内容"}'.encode("gb18030"), 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 200_000, 400),
        (b"{}", 422),
        (b"[1, 2]", 207),
        (b'{"orderNum": "a", "majorContent": "b\\u0000c", "callTime": "2026-11-20 09:00:00"}', 422),
        (b'{"orderNum": {"a": 1}, "majorContent": [], "callTime": true}', 422),
    ],
)
async def test_an_unreadable_body_is_refused_and_nothing_is_stored(caller: Caller, body: bytes, status: int) -> None:
    answer = await caller.send("12345", body)
    assert answer.status == status, answer.body
    assert (await caller.get("/api/v1/tickets")).body["items"] == []


async def test_a_body_of_ten_megabytes_is_refused(caller: Caller) -> None:
    body = json.dumps({**sample("12345"), "majorContent": "长" * 3_500_000}, ensure_ascii=False).encode()
    assert len(body) > 10_000_000
    problem(await caller.send("12345", body), 413)


@pytest.mark.parametrize(
    ("channel", "field", "value", "named"),
    [
        ("12319", "SXDM", "99999", "SXDM"),
        ("12319", "SXDM", "abc", "SXDM"),
        ("12369", "pollutionTypes", ["大气", "光"], "pollutionTypes[1]"),
        ("12345", "majorContent", "", "majorContent"),
        ("12345", "majorContent", None, "majorContent"),
        ("12345", "callTime", "2026-13-45 99:99:99", "callTime"),
        ("12345", "callTime", "1970-01-01 00:00:00", "callTime"),
        ("12345", "callTime", "2999-01-01 00:00:00", "callTime"),
        ("12345", "addressPoints", "0.5,0.5", "addressPoints"),
        ("12345", "isSecret", "也许", "isSecret"),
        ("12369", "reportTime", "", "reportTime"),
        ("e-steward", "createdAt", "2026-05-06T12:26:40", "createdAt"),
        ("e-steward", "location", "恬庄", "location"),
        ("e-steward", "photos", ["javascript:alert(1)"], "photos[0]"),
    ],
)
async def test_a_bad_field_is_named(caller: Caller, channel: str, field: str, value: object, named: str) -> None:
    answer = await caller.send(channel, {**sample(channel), field: value})
    problem(answer, 422)
    assert answer.fields == [named]


async def test_an_unknown_address_and_method_are_refused(caller: Caller) -> None:
    problem(await caller.get("/channels/12345/unknown"), 404)
    wrong = await caller.get("/channels/12345/tickets")
    problem(wrong, 405)
    assert wrong.headers["Allow"] == "POST"


async def test_a_channel_without_a_secret_takes_nothing(caller: Caller, environment: pytest.MonkeyPatch) -> None:
    object.__setattr__(caller.house, "secrets", {**caller.house.secrets, "12345": ""})
    answer = await caller.send("12345", sample("12345"))
    problem(answer, 503)
    assert answer.headers["Retry-After"]
    assert "INTAKE_SECRET_12345" in answer.body["detail"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = {
    "12345": "orderNum title majorContent callerType questionCode urgency callerName callerPhone callerContact isSecret "
    "isVisit address addressPoints callTime dispatchTime deadlineDate attachments reflectName",
    "12319": "AJBH SXDM SXMC WTMS SFWZ SZDYWGBSM JD WD SBSJ SBR LXDH AJLY JJCD CZSX FJ",
    "12369": "reportNo reportWay reportTime reporterName reporterPhone secret companyName address longitude latitude "
    "industry pollutionTypes pollutionDetails content appeal attachments",
    "e-steward": "id kind text nickname phone anonymous location photos createdAt",
}


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("channel", FIELDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_arbitrary_json_never_breaks_the_service(caller: Caller, channel: str, data: st.DataObject) -> None:
    changed = data.draw(st.dictionaries(st.sampled_from(FIELDS[channel].split()), JSON, max_size=5))
    body = data.draw(st.sampled_from([{**sample(channel), **changed}, changed, [changed, sample(channel)]]))
    answer = await caller.send(channel, body)
    assert answer.status in {200, 201, 207, 400, 422}, answer.body


@pytest.mark.parametrize("database_kind", ["sqlite"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_arbitrary_bytes_never_break_the_service(caller: Caller, body: bytes) -> None:
    answer = await caller.send("12345", body)
    assert answer.status in {207, 400, 422}, answer.body
