"""Field maps as data: another city's names, words and formats; and mistakes in them."""

from __future__ import annotations

from typing import Any

import pytest
from platforms import CODES, LEAST, channel, read, refusals, settings
from pydantic import ValidationError

from adapters.channel import Channel
from adapters.settings import SheetSettings, known_adapters
from domain.complaint import Kind

SHEET: dict[str, Any] = {
    "code": "export",
    "name": "导出表",
    "channel": "12345",
    "source_no": "编号",
    "columns": {"content": "内容", "reported_at": ["时间", "受理时间"]},
}


def test_four_adapters_are_known() -> None:
    assert known_adapters() == ("e_steward", "hotline_12319", "hotline_12345", "hotline_12369")
    assert all(isinstance(channel(code), Channel) for code in CODES)


def test_a_name_is_changed_and_the_rest_of_its_field_stays() -> None:
    body = {"工单号": "A1-02", "majorContent": "x", "callTime": "2026-11-24 09:12:33"}
    complaint = read("12345", body, fields={"source_no": "工单号"})
    assert (complaint.source_no, complaint.source_version) == ("A1", 2)
    assert refusals("12345", body | {"工单号": ""}, fields={"source_no": "工单号"}) == {"工单号": "missing"}


def test_several_names_take_the_first_with_a_value_and_dots_lead_inside() -> None:
    fields = {"address": ["place.detail", "addr", "address"]}
    for more, address in (
        ({"place": {"detail": "恬庄"}, "address": "港口"}, "恬庄"),
        ({"place": {"detail": " "}, "addr": "西张", "address": "港口"}, "西张"),
        ({"place": None, "address": "港口"}, "港口"),
        ({"place": {}}, ""),
    ):
        assert read("12345", LEAST["12345"] | more, fields=fields).place.address == address


def test_null_takes_a_field_away() -> None:
    body = LEAST["12345"] | {"deadlineDate": "no date"}
    assert refusals("12345", body) == {"deadlineDate": "format"}
    assert read("12345", body, fields={"due_outer": None}).due_outer is None


def test_words_formats_and_leniency_are_added() -> None:
    fields = {
        "kind": {"values": {"诉求": "complaint"}},
        "urgency": {"unknown": "keep"},
        "reported_at": {"format": "%d.%m.%Y %H:%M"},
        "confidential": {"values": {"机密": True}},
    }
    body = LEAST["12345"] | {
        "callerType": "诉求",
        "urgency": "马上",
        "callTime": "24.11.2026 09:12",
        "isSecret": "机密",
    }
    complaint = read("12345", body, fields=fields)
    assert (complaint.claimed_kind, complaint.claimed_urgency) == (Kind.COMPLAINT, None)
    assert complaint.reporter.confidential
    assert read("12345", LEAST["12345"] | {"isSecret": "保密"}, fields={"confidential": {"values": {"机密": True}}})
    assert refusals("12345", LEAST["12345"], fields=fields) == {"callTime": "format"}


def test_a_field_is_made_required_and_a_default_fills_in() -> None:
    assert refusals("12345", LEAST["12345"], fields={"address": {"required": True}}) == {"address": "missing"}
    complaint = read("12345", LEAST["12345"], defaults={"way": "电话", "kind": "投诉", "wants_follow_up": False})
    assert (complaint.way, complaint.claimed_kind) == ("电话", Kind.COMPLAINT)
    assert not complaint.reporter.wants_follow_up
    assert (
        read("12345", LEAST["12345"] | {"callerType": "咨询"}, defaults={"kind": "投诉"}).claimed_kind
        is Kind.CONSULTATION
    )


def test_the_zone_is_a_setting() -> None:
    assert read("12345", LEAST["12345"], timezone="Asia/Urumqi").reported_at.hour == 3


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"fields": {"source_no": None}}, "source_no"),
        ({"fields": {"content": None}}, "content"),
        ({"fields": {"content": {"required": False}}}, "不能省去"),
        ({"fields": {"no_such_field": "x"}}, "no_such_field"),
        ({"fields": {"title": {"format": "iso"}}}, "不使用 format"),
        ({"fields": {"address": {"values": {"a": "b"}}}}, "不使用 values"),
        ({"fields": {"title": {"version_suffix": "-(1)"}}}, "不使用 version_suffix"),
        ({"fields": {"source_no": {"version_suffix": "-[0-9]+"}}}, "一对括号"),
        ({"fields": {"source_no": {"version_suffix": "-([0-9]+"}}}, "正则表达式"),
        ({"fields": {"title": []}}, "from"),
        ({"fields": {"title": " "}}, "不能为空"),
        ({"fields": {"title": {"from": "t", "misspelt": 1}}}, "misspelt"),
        ({"fields": {"reported_at": {"format": ["%Y"]}}}, "时间格式"),
        ({"fields": {"urgency": {"unknown": "ignore"}}}, "unknown"),
        ({"schemes": {"category": []}}, "schemes 缺少 category"),
        ({"timezone": "Asia/Fenghuang"}, "没有时区"),
        ({"coordinate_system": "bd09"}, "coordinate_system"),
        ({"max_members": 0}, "max_members"),
        ({"misspelt": 1}, "misspelt"),
    ],
)
def test_a_mistake_in_a_map_is_named(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings("12345", **changed)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"fields": {"kind": {"values": {"诉求": "grievance"}}}}, "诉求: grievance"),
        ({"fields": {"urgency": {"values": {"马上": "now"}}}}, "马上: now"),
        ({"defaults": {"urgency": "马上"}}, "固定值"),
        ({"defaults": {"due_outer": "2026-11-24"}}, "不能有固定值"),
    ],
)
def test_a_meaning_that_there_is_not_is_named_when_the_channel_is_made(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        channel("12345", **changed)


def test_an_unknown_adapter_names_those_there_are() -> None:
    with pytest.raises(ValidationError, match="hotline_12345"):
        settings("12345").model_validate(settings("12345").model_dump() | {"adapter": "hotline_12346"})


def test_a_sheet_map() -> None:
    sheet = SheetSettings.model_validate(SHEET)
    columns = sheet.all_columns()
    assert columns["reported_at"].from_ == ("时间", "受理时间")
    assert all(columns[name].required for name in ("source_no", "content", "reported_at"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"columns": {"reported_at": "时间"}}, "content"),
        ({"columns": {"content": "内容"}}, "reported_at"),
        ({"columns": SHEET["columns"] | {"source_no": "编号"}}, "不写在 columns"),
        ({"source_no": {"fingerprint": []}}, "fingerprint"),
        ({"source_no": {"fingerprint": ["title"]}}, "title 不在 columns"),
        ({"source_no": {"fingerprint": ["content"], "misspelt": 1}}, "misspelt"),
        ({"source_no": {"from": "编号", "format": "iso"}}, "不使用 format"),
        ({"columns": SHEET["columns"] | {"category": "事项"}}, "schemes 缺少 category"),
    ],
)
def test_a_mistake_in_a_sheet_map_is_named(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SheetSettings.model_validate(SHEET | changed)
