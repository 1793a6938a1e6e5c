"""`/admin/audit`, `/admin/outbox`: the record searched and checked, and what could not be delivered. Changes go to the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from domain.administration import DEED_NAMES, Deed
from domain.lifecycle import ROLE_NAMES
from domain.people import Role
from intake_bot.api.audit import account_events, last_verification, ticket_events
from intake_bot.api.outbox import SHOWN, outbox_view
from intake_bot.api.routes import Route, house_of
from intake_bot.backups import size_name
from intake_bot.event_names import EVENTS
from intake_bot.house import House
from intake_bot.notice_wording import TITLES
from intake_bot.pages.day_ranges import with_last_day
from intake_bot.pages.rendering import page
from intake_bot.pages.story import NAMES
from intake_bot.pages.times import local_time
from supervision.reports.schedule import REPORT

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
EVENT_NAMES = {**EVENTS, **NAMES}
"""An administrator looks for every kind of event, also those that a handler is not told of."""
ABOUT_NAMES = {**EVENT_NAMES, **TITLES, REPORT: "统计报告"}
_FIELDS = {"name": "姓名", "role": "角色", "unit": "单位"}


def record_routes() -> list[Route]:
    return [
        Route("GET", "/admin/audit", show_audit, "系统管理：查工单留痕", "pages", ADMINISTRATORS, page=True),
        Route(
            "GET", "/admin/audit/accounts", show_accounts, "系统管理：查管理留痕", "pages", ADMINISTRATORS, page=True
        ),
        Route("GET", "/admin/outbox", show_outbox, "系统管理：通知发送", "pages", ADMINISTRATORS, page=True),
    ]


async def show_audit(request: web.Request) -> web.Response:
    found = await ticket_events(with_last_day(request))
    return page(
        request,
        "admin/audit.html",
        events=[(one, _written(one.data)) for one in found.events],
        earlier=_earlier(request, found.next_before),
        query=request.query,
        event_names=EVENT_NAMES,
        actions=[("", "全部动作"), *EVENT_NAMES.items()],
        verified=await last_verification(house_of(request)),
    )


async def show_accounts(request: web.Request) -> web.Response:
    found = await account_events(with_last_day(request))
    return page(
        request,
        "admin/audit_accounts.html",
        events=[(one, described(one.deed, one.data)) for one in found.events],
        earlier=_earlier(request, found.next_before),
        query=request.query,
        deed_names=DEED_NAMES,
        deeds=[("", "全部事项"), *((one.value, name) for one, name in DEED_NAMES.items())],
        verified=await last_verification(house_of(request)),
    )


def _earlier(request: web.Request, before: int | None) -> str:
    """The address of the next page; empty where there is none."""
    if before is None:
        return ""
    return f"{request.path}?{urlencode({**request.query, 'before': str(before)})}"


def _written(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) if data else ""


def described(deed: Deed, data: Mapping[str, Any]) -> str:
    """What an entry of the record says beside whom it is about, in a phrase; empty where that is all."""
    if deed is Deed.USER_ADDED:
        return "，".join(f"{_FIELDS[name]} {_named(name, data[name])}" for name in _FIELDS if data.get(name))
    if deed is Deed.USER_CHANGED:
        return "，".join(
            f"{_FIELDS[name]} {_named(name, before)} → {_named(name, after)}" for name, (before, after) in data.items()
        )
    if deed is Deed.TOKEN_MADE:
        return f"角色 {_named('role', data['role'])}，有效至 {local_time(data['expires_at'])}"
    if deed is Deed.SIGNED_IN:
        return str(data["way"])
    if deed is Deed.ABSENCES_ADDED:
        return "；".join(_period(one) for one in data["periods"])
    if deed is Deed.ABSENCE_REMOVED:
        return _period(data["period"])
    if deed is Deed.DELIVERIES_REPLAYED:
        return f"{data['count']} 条"
    if deed is Deed.MODEL_CHOSEN:
        return f"原为 {data['before'] or '无'}"
    if deed is Deed.BACKED_UP:
        return f"{size_name(data['bytes'])}，至第 {data['last_event']} 条工单留痕，已恢复核对，用时 {data['seconds']:.1f} 秒"
    if deed is Deed.RESTORED and data:
        return f"备份于 {local_time(data['made_at'])}，至第 {data['last_event']} 条工单留痕"
    if deed is Deed.CHAIN_VERIFIED:
        return "，".join(
            f"{name} {data[key]['checked']} 条{'不符' if data[key]['broken_at'] is not None else '完整'}"
            for key, name in (("tickets", "工单留痕"), ("accounts", "管理留痕"))
        )
    return ""


def _named(field: str, value: str | None) -> str:
    if field == "role" and value:
        return ROLE_NAMES[Role(value)]
    return value or "无"


def _period(written: str) -> str:
    start, end = written.split("/")
    return f"{local_time(start)} 至 {local_time(end)}"


async def show_outbox(request: web.Request) -> web.Response:
    house = house_of(request)
    outbox = await outbox_view(house)
    return page(
        request,
        "admin/outbox.html",
        outbox=outbox,
        shown=SHOWN,
        about_names=ABOUT_NAMES,
        recipients={one.destination: recipient(house, one.destination) for one in outbox.latest},
    )


def recipient(house: House, destination: str) -> str:
    """Whom a delivery is for, by name."""
    kind, _, name = destination.partition(":")
    if kind == "channel":
        return house.channels[name].settings.name if name in house.channels else f"渠道 {name}"
    return house.router.person_name(name)
