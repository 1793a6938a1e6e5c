"""What each platform is told of a ticket that it sent us."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from platforms import CODES, channel

from adapters.report import Report

AT = datetime(2026, 11, 24, 1, 12, 33, tzinfo=UTC)


def report(action: str, **more: object) -> Report:
    told: dict[str, object] = {"unit_name": "一大队", "text": "已清理"}
    return Report("FH20261124-0001", "A1", action, AT, **(told | more))  # type: ignore[arg-type]


def test_12345_gets_its_number_back_with_the_suffix() -> None:
    told = channel("12345").report(report("resolved", source_version=2))
    assert told == {
        "orderNum": "A1-02",
        "unitOrderNum": "FH20261124-0001",
        "orderState": "60",
        "orderStateName": "已办结",
        "organizationName": "一大队",
        "content": "已清理",
        "replyTime": "2026-11-24 09:12:33",
    }
    assert (channel("12345").report(report("accepted")) or {})["orderNum"] == "A1"


def test_12319_gets_fourteen_digits() -> None:
    assert channel("12319").report(report("resolved")) == {
        "AJBH": "A1",
        "CZDH": "FH20261124-0001",
        "AJZT": "6",
        "AJZTMC": "已处置，待核查",
        "CZDW": "一大队",
        "CZYJ": "已清理",
        "CZSJ": "20261124091233",
    }


def test_12369_gets_a_status() -> None:
    assert channel("12369").report(report("resolved")) == {
        "reportNo": "A1",
        "handleNo": "FH20261124-0001",
        "status": "replied",
        "statusName": "已答复",
        "handleUnit": "一大队",
        "replyContent": "已清理",
        "handleTime": "2026-11-24 09:12:33",
    }


def test_e_steward_gets_a_time_with_zone() -> None:
    assert channel("e-steward").report(report("resolved")) == {
        "id": "A1",
        "ticketNo": "FH20261124-0001",
        "status": "resolved",
        "statusText": "已处理",
        "unit": "一大队",
        "message": "已清理",
        "updatedAt": "2026-11-24T09:12:33+08:00",
    }


@pytest.mark.parametrize("code", CODES)
def test_every_platform_hears_of_the_main_steps(code: str) -> None:
    for action in ("accepted", "extension_asked", "resolved", "closed", "merged", "referred", "rejected"):
        told = channel(code).report(report(action))
        assert told is not None, action
        assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("code", CODES)
def test_inner_steps_are_no_business_of_theirs(code: str) -> None:
    for action in ("pressed", "urged", "reclassified", "returned", "no-such-step", ""):
        assert channel(code).report(report(action)) is None


def test_only_12345_hears_of_the_first_contact_and_of_a_granted_extension() -> None:
    for action in ("contacted", "extended"):
        assert [code for code in CODES if channel(code).report(report(action)) is not None] == ["12345"]


def test_the_time_is_that_of_the_channel() -> None:
    told = channel("12345", timezone="Asia/Urumqi").report(report("accepted")) or {}
    assert told["replyTime"] == "2026-11-24 07:12:33"
