"""Signed webhooks: every event, or those asked for, told to other systems through the outbox. Also: what is sent, described."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import structlog

from domain.people import Role
from intake_bot.event_names import EVENTS
from intake_bot.house import House

log = structlog.get_logger()

PAUSE = 2.0
"""Seconds between two looks for new events."""

_TEXT = {"type": "string"}
EVENT_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "事件",
    "description": "一件工单上发生的一件事。不含诉求人的姓名、电话和地址；文字中的长号码已遮盖。",
    "type": "object",
    "additionalProperties": False,
    "required": [
        "sequence",
        "at",
        "ticket_no",
        "channel",
        "source_no",
        "action",
        "role",
        "assignment",
        "data",
        "hash",
    ],
    "properties": {
        "sequence": {"type": "integer", "minimum": 1, "description": "全部事件的序号，也是幂等键：同一序号只处理一次"},
        "at": {"type": "string", "format": "date-time", "description": "发生时间"},
        "ticket_no": {**_TEXT, "description": "工单编号"},
        "channel": {**_TEXT, "description": "来源渠道代码"},
        "source_no": {**_TEXT, "description": "渠道的编号"},
        "action": {
            **_TEXT,
            "description": "事件：" + "；".join(f"{name} {meaning}" for name, meaning in EVENTS.items()),
            "examples": list(EVENTS),
        },
        "role": {"type": "string", "enum": [str(one) for one in Role], "description": "由谁：角色"},
        "assignment": {"type": "integer", "minimum": 0, "description": "派单序号；0 为整件工单"},
        "data": {"type": "object", "description": "这件事的内容，因事件而异；以后可能增加项目"},
        "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "留痕链上此事件的摘要"},
    },
}
"""The JSON schema of what a webhook is sent."""


class Followers:
    """The task of one process that puts new events into the outbox for each webhook."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin; without a webhook there is nothing to do."""
        if self._house.settings.webhooks:
            self._task = asyncio.create_task(self._run(), name="webhooks")

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            more = False
            try:
                more = await spread(self._house)
            except Exception as error:
                self._house.counters.job_failures.labels("webhooks").inc()
                log.error("webhooks_not_spread", error=type(error).__name__)
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), PAUSE)


async def spread(house: House) -> bool:
    """One round for every webhook; whether more events wait."""
    more = False
    for name, webhook in house.settings.webhooks.items():
        more |= await house.store.webhooks.spread(name, webhook.events, house.now())
    return more


def asyncapi_document(version: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of what we send by ourselves."""
    header = {"type": "string"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "综合执法诉求受理：事件推送",
            "version": version,
            "description": (
                "工单上的每件事以 HTTP POST 推送到 config.yml 中 webhooks 的地址，至少一次；2xx 为收到，其余逐步延后重发。"
                "先后以 sequence 为准，不以到达为准；同一 sequence（请求头 Idempotency-Key）可能来两次，只处理一次。"
                "签名与渠道来件相同：X-Signature 为以约定密钥对“X-Timestamp、换行、X-Nonce、换行、正文”"
                "计算的 HMAC-SHA256（十六进制）。"
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "description": "webhooks.*.url 所写的地址",
                "messages": {"event": {"$ref": "#/components/messages/event"}},
                "bindings": {"http": {"bindingVersion": "0.3.0"}},
            }
        },
        "operations": {
            "sendEvent": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "messages": [{"$ref": "#/channels/events/messages/event"}],
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
            }
        },
        "components": {
            "messages": {
                "event": {
                    "name": "event",
                    "title": "事件",
                    "contentType": "application/json",
                    "headers": {
                        "type": "object",
                        "required": ["Idempotency-Key", "X-Timestamp", "X-Nonce", "X-Signature"],
                        "properties": {
                            "Idempotency-Key": {**header, "description": "事件序号"},
                            "X-Timestamp": {**header, "description": "Unix 时间戳（秒）"},
                            "X-Nonce": {**header, "description": "随机串，每次发送不同"},
                            "X-Signature": {**header, "description": "签名"},
                        },
                    },
                    "payload": {"$ref": "#/components/schemas/event"},
                }
            },
            "schemas": {"event": {name: value for name, value in EVENT_SCHEMA.items() if name != "$schema"}},
        },
    }
