"""What a person of ours enters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from platforms import NOW

from adapters.channel import Refused, Unreadable
from adapters.manual import OWN_SCHEME, ManualEntry
from domain.complaint import MANUAL_SOURCES, Code, Kind, Point, Urgency

ENTRY = ManualEntry()
FULL: dict[str, Any] = {
    "source": "phone",
    "source_no": "D1",
    "content": "有人占道经营",
    "title": "占道经营",
    "kind": "complaint",
    "category": "C0101",
    "urgency": "urgent",
    "reporter": {
        "name": "测试甲",
        "phone": "13800000000",
        "contact": "13800000001",
        "anonymous": False,
        "confidential": True,
        "wants_follow_up": False,
    },
    "address": "恬庄古街",
    "longitude": 120.6386,
    "latitude": 31.7362,
    "reported_at": "2026-11-24 11:00",
    "party": "流动摊贩",
    "appeal": "清理",
    "attachments": [{"name": "照片", "url": "https://files.example.com/1.jpg"}],
}


def encoded(fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def refusals(fields: object) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        ENTRY.read(encoded(fields), NOW)
    return {one.field: one.code for one in refused.value.problems}


def test_every_field_is_read() -> None:
    complaint = ENTRY.read(encoded(FULL), NOW)
    assert (complaint.channel, complaint.source_no, complaint.awaits_reports) == ("phone", "D1", False)
    assert (complaint.content, complaint.title) == ("有人占道经营", "占道经营")
    assert (complaint.claimed_kind, complaint.claimed_urgency) == (Kind.COMPLAINT, Urgency.URGENT)
    assert complaint.codes == (Code(OWN_SCHEME, "", "C0101"),)
    reporter = complaint.reporter
    assert (reporter.name, reporter.phone, reporter.contact) == ("测试甲", "13800000000", "13800000001")
    assert (reporter.anonymous, reporter.confidential, reporter.wants_follow_up) == (False, True, False)
    assert (complaint.place.address, complaint.place.point) == ("恬庄古街", Point(120.6386, 31.7362))
    assert complaint.reported_at.hour == 3
    assert (complaint.party, complaint.appeal, len(complaint.attachments)) == ("流动摊贩", "清理", 1)


def test_a_call_needs_little() -> None:
    for source in MANUAL_SOURCES:
        complaint = ENTRY.read(encoded({"source": source, "content": "有垃圾"}), NOW, "P-7")
        assert (complaint.channel, complaint.source_no, complaint.reported_at) == (source, "P-7", NOW)


def test_what_is_wrong_is_named_all_at_once() -> None:
    assert refusals({}) == {"source": "value", "content": "missing"}
    wrong = FULL | {"source": "12345", "kind": "表扬", "urgency": "马上", "longitude": "x", "reported_at": "昨天"}
    assert refusals(wrong | {"reporter": "测试甲"}) == {
        "source": "value",
        "kind": "value",
        "urgency": "value",
        "longitude": "format",
        "reported_at": "format",
        "reporter": "type",
    }
    sources: list[object] = [None, "", 3, [], {}]
    for source in sources:
        assert refusals(FULL | {"source": source}) == {"source": "value"}


def test_one_entry_at_a_time() -> None:
    assert refusals([FULL]) == {"(正文)": "type"}
    for body in (b"", b"[]", b"3", b"{", b"\xff"):
        with pytest.raises(Unreadable):
            ENTRY.read(body, NOW)


def test_the_schema_takes_what_the_form_takes() -> None:
    schema = ENTRY.schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid(FULL)
    assert not validator.is_valid({"content": "x"})
    assert not validator.is_valid({"source": "12345", "content": "x"})
    assert set(schema["properties"]) == set(FULL)
