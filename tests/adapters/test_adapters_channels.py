"""What the JSON channels carry: every field of the contract read, every required one missed by name."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from platforms import CODES, LEAST, NOW, channel, read, refusals, settings

from adapters.channel import Channel
from adapters.e_steward import report_back as back_e_steward
from adapters.hotline_12319 import report_back as back_12319
from adapters.hotline_12345 import report_back as back_12345
from adapters.hotline_12369 import report_back as back_12369
from adapters.settings import adapter_map
from domain.complaint import Attachment, Code, Complaint, Kind, Place, Point, Reporter, Urgency

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "docs" / "samples"
REPORTED = datetime(2026, 11, 24, 1, 12, 33, tzinfo=UTC)
PHOTO = "https://files.example.com/1.jpg"


def but_raw(complaint: Complaint) -> dict[str, Any]:
    told = {name: getattr(complaint, name) for name in complaint.__slots__}
    told.pop("raw")
    return told


def test_12345_reads_every_field_of_the_contract() -> None:
    complaint = read(
        "12345",
        {
            "orderNum": "PZ1-02",
            "title": "占道经营",
            "majorContent": "流动摊贩占道经营\n请处理",
            "callerType": "投诉",
            "questionCode": "城管执法",
            "urgency": "特急",
            "callerName": "测试甲",
            "callerPhone": "138-0000-0000",
            "callerContact": 13800000001,
            "isSecret": "1",
            "isVisit": "0",
            "address": "恬庄古街",
            "addressPoints": "120.62,31.76",
            "callTime": "2026-11-24 09:12:33",
            "dispatchTime": "2026-11-24 09:20:00",
            "deadlineDate": "2026-12-01",
            "attachments": [{"name": "照片", "url": PHOTO}],
            "reflectName": "示例商店",
        },
    )
    assert but_raw(complaint) == but_raw(
        Complaint(
            channel="12345",
            source_no="PZ1",
            source_version=2,
            reported_at=REPORTED,
            received_at=NOW,
            content="流动摊贩占道经营\n请处理",
            title="占道经营",
            claimed_kind=Kind.COMPLAINT,
            claimed_kind_word="投诉",
            claimed_urgency=Urgency.CRITICAL,
            codes=(Code("12345", "platform", "城管执法"),),
            reporter=Reporter("测试甲", "13800000000", "13800000001", confidential=True, wants_follow_up=False),
            place=Place("恬庄古街", Point(120.62, 31.76)),
            party="示例商店",
            due_outer=datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC),
            platform_dispatched_at=datetime(2026, 11, 24, 1, 20, tzinfo=UTC),
            attachments=(Attachment(PHOTO, "照片"),),
        )
    )


def test_12319_reads_every_field_of_the_contract() -> None:
    complaint = read(
        "12319",
        {
            "AJBH": "3205822026",
            "SXDM": "32058206010",
            "SXMC": "暴露垃圾",
            "WTMS": "有暴露垃圾",
            "SFWZ": "港口菜场",
            "SZDYWGBSM": "320582105002003",
            "JD": 120.66,
            "WD": "31.79",
            "SBSJ": "20261124091233",
            "SBR": "采集员",
            "LXDH": "13800000000",
            "AJLY": "信息采集员上报",
            "JJCD": "紧急",
            "CZSX": "20261125091233",
            "FJ": [PHOTO],
        },
    )
    assert but_raw(complaint) == but_raw(
        Complaint(
            channel="12319",
            source_no="3205822026",
            reported_at=REPORTED,
            received_at=NOW,
            content="有暴露垃圾",
            claimed_urgency=Urgency.URGENT,
            codes=(Code("gbt47678.5", "2026", "06010", "暴露垃圾"),),
            reporter=Reporter("采集员", "13800000000"),
            place=Place("港口菜场", Point(120.66, 31.79), "320582105002003"),
            way="信息采集员上报",
            due_outer=datetime(2026, 11, 25, 1, 12, 33, tzinfo=UTC),
            attachments=(Attachment(PHOTO),),
        )
    )


def test_12369_reads_every_field_of_the_contract() -> None:
    complaint = read(
        "12369",
        {
            "reportNo": "HB1",
            "reportWay": "微信",
            "reportTime": "2026-11-24 09:12:33",
            "reporterName": "测试丁",
            "reporterPhone": "13800000000",
            "secret": True,
            "companyName": "示例厂",
            "address": "双龙村",
            "longitude": "120.56",
            "latitude": 31.76,
            "industry": "塑料制品业",
            "pollutionTypes": ["废气", "噪声", "大气"],
            "pollutionDetails": ["工业废气"],
            "content": "偷排废气",
            "appeal": "查处",
            "attachments": [PHOTO],
        },
    )
    assert but_raw(complaint) == but_raw(
        Complaint(
            channel="12369",
            source_no="HB1",
            reported_at=REPORTED,
            received_at=NOW,
            content="偷排废气",
            codes=(
                Code("pollution", "2019", "大气", "大气"),
                Code("pollution", "2019", "噪声", "噪声"),
                Code("pollution_detail", "2019", "工业废气"),
            ),
            reporter=Reporter("测试丁", "13800000000", confidential=True),
            place=Place("双龙村", Point(120.56, 31.76)),
            party="示例厂",
            appeal="查处",
            way="微信",
            industry="塑料制品业",
            attachments=(Attachment(PHOTO),),
        )
    )


def test_e_steward_reads_every_field_of_the_contract() -> None:
    complaint = read(
        "e-steward",
        {
            "id": "ES1",
            "kind": "help",
            "text": "楼顶违建",
            "nickname": "热心市民",
            "phone": "13800000000",
            "anonymous": True,
            "location": {"lng": 120.59, "lat": 31.75, "name": "桃源小区"},
            "photos": [PHOTO],
            "createdAt": "2026-11-24T01:12:33Z",
        },
    )
    assert but_raw(complaint) == but_raw(
        Complaint(
            channel="e-steward",
            source_no="ES1",
            reported_at=REPORTED,
            received_at=NOW,
            content="楼顶违建",
            claimed_kind=Kind.HELP,
            claimed_kind_word="help",
            reporter=Reporter("热心市民", "13800000000", anonymous=True),
            place=Place("桃源小区", Point(120.59, 31.75)),
            attachments=(Attachment(PHOTO),),
        )
    )


@pytest.mark.parametrize("code", CODES)
def test_the_required_fields_suffice(code: str) -> None:
    complaint = read(code, LEAST[code])
    assert (complaint.source_no, complaint.reported_at) == ("A1", REPORTED)


@pytest.mark.parametrize(("code", "field"), [(code, field) for code in CODES for field in LEAST[code]])
@pytest.mark.parametrize("empty", ["absent", None, "", "  \n"])
def test_a_required_field_that_is_missing_is_named(code: str, field: str, empty: str | None) -> None:
    body = {name: value for name, value in LEAST[code].items() if name != field}
    if empty != "absent":
        body[field] = empty
    assert refusals(code, body) == {field: "missing"}


@pytest.mark.parametrize("code", CODES)
def test_every_bad_field_is_named_at_once(code: str) -> None:
    assert refusals(code, {}) == dict.fromkeys(LEAST[code], "missing")


@pytest.mark.parametrize("code", CODES)
def test_optional_fields_may_be_null_and_unknown_ones_stay_in_the_raw_body(code: str) -> None:
    body: dict[str, Any] = {}
    for field in adapter_map(settings(code).adapter)["fields"].values():
        name = field if isinstance(field, str) else field["from"]
        body[name.split(".")[0]] = None
    body |= LEAST[code] | {"unheardOf": {"deep": [1]}}
    raw = json.dumps(body, ensure_ascii=False).encode()
    complaint = channel(code).read(raw, NOW)
    assert complaint.raw == raw
    assert but_raw(complaint) == but_raw(read(code, LEAST[code]))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("value", [3.5, True, [], {}, ["x"], {"x": 1}])
def test_a_content_that_is_no_text_is_refused(code: str, value: object) -> None:
    field = {"12345": "majorContent", "12319": "WTMS", "12369": "content", "e-steward": "text"}[code]
    assert refusals(code, LEAST[code] | {field: value}) == {field: "type"}


def test_the_re_handling_suffix_is_a_version_of_the_same_ticket() -> None:
    for written, number, version in (
        ("PZ1", "PZ1", 0),
        ("PZ1-01", "PZ1", 1),
        ("PZ1-1", "PZ1", 1),
        ("PZ-2026-0001", "PZ-2026-0001", 0),
        ("PZ1-2026-003", "PZ1-2026", 3),
    ):
        complaint = read("12345", LEAST["12345"] | {"orderNum": written})
        assert (complaint.source_no, complaint.source_version) == (number, version)
    assert refusals("12345", LEAST["12345"] | {"orderNum": "-01"}) == {"orderNum": "format"}


def test_an_unknown_kind_is_kept_as_evidence_and_an_unknown_urgency_refused() -> None:
    complaint = read("12345", LEAST["12345"] | {"callerType": "表扬"})
    assert (complaint.claimed_kind, complaint.claimed_kind_word) == (None, "表扬")
    assert refusals("12345", LEAST["12345"] | {"urgency": "马上"}) == {"urgency": "value"}


def test_a_deadline_before_the_call_is_refused() -> None:
    body = LEAST["12345"] | {"deadlineDate": "2026-11-24 09:12:33"}
    assert refusals("12345", body) == {"deadlineDate": "range"}
    assert read("12345", body | {"deadlineDate": "2026-11-24 09:12:34"}).due_outer is not None


def test_half_a_position_is_refused_but_half_a_zero_is_none() -> None:
    assert refusals("12319", LEAST["12319"] | {"JD": 120.6}) == {"WD": "missing"}
    assert refusals("12319", LEAST["12319"] | {"WD": 31.7}) == {"JD": "missing"}
    assert read("12319", LEAST["12319"] | {"JD": 0}).place.point is None
    assert read("12319", LEAST["12319"] | {"JD": "0", "WD": "0.0"}).place.point is None


def test_a_wrong_inner_object_is_named_once() -> None:
    for wrong in ("120.6,31.7", 3, [1]):
        assert refusals("e-steward", LEAST["e-steward"] | {"location": wrong}) == {"location": "type"}
    empties: list[object] = [None, "", {}]
    for empty in empties:
        assert read("e-steward", LEAST["e-steward"] | {"location": empty}).place == Place()


def test_each_bad_attachment_and_pollution_type_is_named_by_its_place() -> None:
    body = LEAST["12369"] | {"attachments": [PHOTO, "ftp://x/1", {"url": 3}], "pollutionTypes": ["水", "光"]}
    assert refusals("12369", body) == {
        "attachments[1]": "format",
        "attachments[2].url": "type",
        "pollutionTypes[1]": "value",
    }


def test_gcj02_and_the_order_of_a_pair_are_settings() -> None:
    plain = read("12345", LEAST["12345"] | {"addressPoints": "31.76,120.62"}, coordinate_order="lat_lon")
    assert plain.place.point == Point(120.62, 31.76)
    shifted = read("12345", LEAST["12345"] | {"addressPoints": "120.62,31.76"}, coordinate_system="gcj02").place.point
    assert shifted is not None
    assert 0.001 < abs(shifted.longitude - 120.62) < 0.01


# What is shipped beside the code.


def members_of(sample: Path) -> tuple[Channel, list[bytes]]:
    hotline = channel(sample.stem.removesuffix("-array"))
    return hotline, hotline.members(sample.read_bytes())[0]


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda sample: sample.stem)
def test_the_shipped_samples_are_accepted(sample: Path) -> None:
    hotline, members = members_of(sample)
    assert len(members) == (3 if sample.stem.endswith("-array") else 1)
    for member in members:
        complaint = hotline.read(member, NOW)
        assert "凤凰镇" in complaint.place.address
        assert complaint.text


def test_there_is_a_sample_for_every_channel() -> None:
    assert {sample.stem for sample in SAMPLES.glob("*.json")} == {*CODES, "12345-array"}


WORDS = {
    "12345": back_12345.WORDS,
    "12319": back_12319.WORDS,
    "12369": back_12369.WORDS,
    "e-steward": back_e_steward.WORDS,
}


@pytest.mark.parametrize("code", CODES)
def test_each_readme_names_every_field_step_and_code(code: str) -> None:
    adapter = settings(code).adapter
    told = (ROOT / "adapters" / adapter / "README.md").read_text(encoding="utf-8")
    for field in adapter_map(adapter)["fields"].values():
        name, needed = (field, False) if isinstance(field, str) else (field["from"], field.get("required", False))
        assert re.search(rf"`{re.escape(name)}(?:\[.*?\])?`" + (r"\*" if needed else ""), told), name
    for step, (state, word) in WORDS[code].items():
        row = next(line for line in told.splitlines() if line.startswith("|") and re.search(rf"\b{step}\b", line))
        assert state in row and word in row, step
