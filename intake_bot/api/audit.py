"""`/api/v1/audit`: the record searched, and its chains checked. Not: one ticket's own story (`tickets/{no}/events`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from domain.administration import Deed
from intake_bot.api.bodies import schema_of
from intake_bot.api.filters import read_choice, read_day, read_number, read_word, whole_number
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import ADMINISTRATORS, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.views import written
from intake_bot.house import House
from storage.account_events import AccountEventFilter
from storage.audit import EventFilter
from storage.chain import ChainReport

PAGE = 50
CHAINS = "全部留痕"
"""What a check of the chains is about, in the record."""

_PAGING = (
    Parameter("from", "起始日期（含）", {"type": "string", "format": "date"}),
    Parameter("to", "截止日期（不含）", {"type": "string", "format": "date"}),
    Parameter("before", "上一页返回的 next_before", {"type": "integer"}),
    Parameter("limit", f"条数，默认 {PAGE}", {"type": "integer", "minimum": 1, "maximum": 500}),
)


@dataclass(frozen=True, slots=True)
class TicketEventView:
    """工单留痕中的一条；data 中没有诉求人的姓名、电话和地址。"""

    sequence: int
    ticket_no: str
    at: str
    action: str
    actor: str
    role: str
    data: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class TicketEventPage:
    """新的在前；next_before 为空则没有更早的。"""

    events: tuple[TicketEventView, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class AccountEventView:
    """管理留痕中的一条；没有口令和令牌。"""

    sequence: int
    at: str
    deed: Deed
    subject: str
    actor: str
    role: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AccountEventPage:
    """新的在前；next_before 为空则没有更早的。"""

    events: tuple[AccountEventView, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class ChainView:
    """一条校验链：核对了多少条，完整与否，第一处不符在哪一条、为什么。"""

    checked: int
    intact: bool
    broken_at: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """两条校验链：工单留痕和管理留痕。"""

    tickets: ChainView
    accounts: ChainView


def audit_routes() -> list[Route]:
    return [
        Route(
            "GET",
            "/api/v1/audit/events",
            find_events,
            "查工单留痕：按工单、账号、动作、日期",
            "audit",
            ADMINISTRATORS,
            parameters=(
                Parameter("ticket", "工单编号"),
                Parameter("actor", "账号或来源"),
                Parameter("action", "动作，如 dispatched、accepted、resolved"),
                *_PAGING,
            ),
            answers={200: ("留痕", schema_of(TicketEventPage))},
        ),
        Route(
            "GET",
            "/api/v1/audit/accounts",
            find_account_events,
            "查管理留痕：账号、令牌、离岗、模型、登录",
            "audit",
            ADMINISTRATORS,
            parameters=(
                Parameter("account", "账号：他做的和对他做的"),
                Parameter("deed", "事项", {"type": "string", "enum": [str(one) for one in Deed]}),
                *_PAGING,
            ),
            answers={200: ("留痕", schema_of(AccountEventPage))},
        ),
        Route(
            "POST",
            "/api/v1/audit/verify",
            verify,
            "逐条校验全部留痕是否被改动、删除或调换，结果记入管理留痕",
            "audit",
            ADMINISTRATORS,
            answers={200: ("校验结果", schema_of(Verification))},
        ),
    ]


async def find_events(request: web.Request) -> web.Response:
    return json_answer(await ticket_events(request))


async def ticket_events(request: web.Request) -> TicketEventPage:
    """What the query asks for, as the API and the administrator's page show it. Raises `Problem` 422."""
    found, before = await house_of(request).store.audit.find(
        EventFilter(
            ticket_no=read_word(request, "ticket"),
            actor=read_word(request, "actor", longest=80),
            action=read_word(request, "action"),
            start=read_day(request, "from"),
            end=read_day(request, "to"),
        ),
        limit=read_number(request, "limit", default=PAGE, least=1, most=500),
        before=_before(request),
    )
    return TicketEventPage(
        tuple(
            TicketEventView(
                sequence=one.sequence,
                ticket_no=one.ticket_no,
                at=written(one.event.at),
                action=one.event.action,
                actor=one.event.actor,
                role=one.event.role,
                data=one.event.data,
                hash=one.hash,
            )
            for one in found
        ),
        before,
    )


async def find_account_events(request: web.Request) -> web.Response:
    return json_answer(await account_events(request))


async def account_events(request: web.Request) -> AccountEventPage:
    """What the query asks for, as the API and the administrator's page show it. Raises `Problem` 422."""
    found, before = await house_of(request).store.account_events.find(
        AccountEventFilter(
            account=read_word(request, "account", longest=80),
            deed=read_choice(request, "deed", Deed),
            start=read_day(request, "from"),
            end=read_day(request, "to"),
        ),
        limit=read_number(request, "limit", default=PAGE, least=1, most=500),
        before=_before(request),
    )
    return AccountEventPage(
        tuple(
            AccountEventView(one.sequence, written(one.at), one.deed, one.subject, one.actor, one.role, one.data)
            for one in found
        ),
        before,
    )


def _before(request: web.Request) -> int | None:
    value = request.query.get("before")
    if not value:
        return None
    before = whole_number(value)
    if before is None:
        raise bad_fields([FieldError("before", "before 应为上一页返回的 next_before")])
    return before


async def verify(request: web.Request) -> web.Response:
    house = house_of(request)
    tickets, accounts = await house.store.verify_chain(), await house.store.account_events.verify()
    result = Verification(_chain(tickets), _chain(accounts))
    await house.store.account_events.add(
        actor_of(request), Deed.CHAIN_VERIFIED, CHAINS, house.now(), {"tickets": tickets, "accounts": accounts}
    )
    return json_answer(result)


async def last_verification(house: House) -> tuple[str, Verification] | None:
    """When the chains were checked last, and what was found; None where they never were."""
    found, _ = await house.store.account_events.find(AccountEventFilter(deed=Deed.CHAIN_VERIFIED), limit=1)
    if not found:
        return None
    tickets, accounts = (_chain(ChainReport(**found[0].data[name])) for name in ("tickets", "accounts"))
    return written(found[0].at), Verification(tickets, accounts)


def _chain(report: ChainReport) -> ChainView:
    return ChainView(report.checked, report.intact, report.broken_at, report.reason)
