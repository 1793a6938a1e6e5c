"""The four JSON channels as a deployment would have them, for the tests of this folder."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from adapters.channel import Channel, Refused
from adapters.settings import ChannelSettings
from domain.complaint import Complaint

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times as many examples as usual a property is tried on: `make fuzz` asks for more."""
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # noon in Shanghai

_ADAPTERS = {
    "12345": ("hotline_12345", "tickets"),
    "12319": ("hotline_12319", "cases"),
    "12369": ("hotline_12369", "reports"),
    "e-steward": ("e_steward", "reports"),
}
CODES = tuple(_ADAPTERS)

LEAST: dict[str, dict[str, Any]] = {
    "12345": {"orderNum": "A1", "majorContent": "路边有垃圾", "callTime": "2026-11-24 09:12:33"},
    "12319": {"AJBH": "A1", "WTMS": "路边有垃圾", "SFWZ": "恬庄村", "SBSJ": "20261124091233"},
    "12369": {"reportNo": "A1", "content": "工厂冒黑烟", "reportTime": "2026-11-24 09:12:33"},
    "e-steward": {"id": "A1", "text": "路边有垃圾", "createdAt": "2026-11-24T09:12:33+08:00"},
}
"""The smallest body that each channel takes: all required fields and nothing else."""


def settings(code: str, **more: Any) -> ChannelSettings:
    adapter, end = _ADAPTERS[code]
    return ChannelSettings(
        code=code,
        name=f"{code}渠道",
        path=f"/channels/{code}/{end}",
        adapter=adapter,
        secret_env="INTAKE_SECRET_" + code.upper().replace("-", "_"),
        **more,
    )


def channel(code: str, **more: Any) -> Channel:
    return Channel(settings(code, **more))


def read(code: str, body: dict[str, Any], **more: Any) -> Complaint:
    """The complaint that the channel makes of a body; `more` are settings."""
    return channel(code, **more).read(json.dumps(body, ensure_ascii=False).encode(), NOW)


def refusals(code: str, body: dict[str, Any], **more: Any) -> dict[str, str]:
    """The names of the bad fields of a body that must be refused, each with the code of its fault."""
    try:
        complaint = read(code, body, **more)
    except Refused as refused:
        assert all(one.message for one in refused.problems)
        return {one.field: one.code for one in refused.problems}
    raise AssertionError(f"accepted: {complaint}")
