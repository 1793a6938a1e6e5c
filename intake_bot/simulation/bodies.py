"""What the four upstream platforms would send, made up out of our own corpus.

The bodies follow the default field maps. Names and numbers are invented and can be seen to be.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.signature import signed_headers
from domain.worktime import LOCAL

KIND_WORDS = ("咨询", "建议", "求助", "投诉", "举报")
POLLUTION_TYPES = ("大气", "水", "噪声", "固废", "其他")
WEST, SOUTH, EAST, NORTH = 120.56, 31.73, 120.69, 31.81


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that is wrong somewhere, which any platform may send in its own words."""

    text: str
    number: int
    at: datetime
    longitude: float
    latitude: float
    phone: str


def matters(texts: Sequence[str], choice: random.Random, start: int = 1) -> Callable[[], Matter]:
    """An endless source of matters; each call gives the next one."""
    number = start - 1

    def following() -> Matter:
        nonlocal number
        number += 1
        return Matter(
            text=choice.choice(texts),
            number=number,
            at=datetime.now(LOCAL) - timedelta(minutes=choice.randint(1, 90)),
            longitude=round(choice.uniform(WEST, EAST), 6),
            latitude=round(choice.uniform(SOUTH, NORTH), 6),
            phone=f"1380000{choice.randint(0, 9999):04d}",
        )

    return following


def body_12345(matter: Matter, choice: random.Random) -> dict[str, Any]:
    return {
        "orderNum": f"SIM{matter.at:%y%m%d}{matter.number:07d}",
        "title": matter.text[:20],
        "majorContent": matter.text,
        "callerType": choice.choice(KIND_WORDS),
        "urgency": "一般",
        "callerName": "测试市民",
        "callerPhone": matter.phone,
        "isSecret": choice.choice(("0", "0", "0", "1")),
        "callTime": f"{matter.at:%Y-%m-%d %H:%M:%S}",
        "addressPoints": f"{matter.longitude},{matter.latitude}",
    }


def body_12319(matter: Matter, choice: random.Random) -> dict[str, Any]:
    return {
        "AJBH": f"SIM{matter.at:%Y%m%d}{matter.number:06d}",
        "WTMS": matter.text,
        "SFWZ": "张家港市凤凰镇",
        "JD": matter.longitude,
        "WD": matter.latitude,
        "SBSJ": f"{matter.at:%Y%m%d%H%M%S}",
        "AJLY": choice.choice(("信息采集员", "12319热线")),
    }


def body_12369(matter: Matter, choice: random.Random) -> dict[str, Any]:
    return {
        "reportNo": f"SIM-{matter.at:%Y%m%d}-{matter.number:06d}",
        "reportWay": choice.choice(("电话", "微信", "网上")),
        "reportTime": f"{matter.at:%Y-%m-%d %H:%M:%S}",
        "content": matter.text,
        "pollutionTypes": choice.sample(POLLUTION_TYPES, choice.randint(1, 2)),
        "longitude": matter.longitude,
        "latitude": matter.latitude,
    }


def body_e_steward(matter: Matter, choice: random.Random) -> dict[str, Any]:
    return {
        "id": f"sim-{matter.number:08d}",
        "text": matter.text,
        "phone": matter.phone,
        "anonymous": choice.random() < 0.2,
        "location": {"lng": matter.longitude, "lat": matter.latitude, "name": "凤凰镇"},
        "createdAt": matter.at.isoformat(timespec="seconds"),
    }


BODIES: Mapping[str, Callable[[Matter, random.Random], dict[str, Any]]] = {
    "hotline_12345": body_12345,
    "hotline_12319": body_12319,
    "hotline_12369": body_12369,
    "e_steward": body_e_steward,
}
"""Adapter → what its platform sends."""


def signed(secret: str, body: object) -> tuple[bytes, dict[str, str]]:
    """A request's body and headers, signed as the platforms sign."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return content, {"Content-Type": "application/json", **signed_headers(secret, content)}
