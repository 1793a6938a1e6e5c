"""What is so now, whatever period is chosen: lights, today's numbers, what is overdue, what waits for a ruling or an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.light import Light
from domain.limit import STAGE_NAMES
from domain.ticket import LEVEL_NAMES, PressCause, PressLevel, Status
from domain.worktime import local
from intake_bot.house import House
from intake_bot.pages.board_query import Chosen, PeriodChoice
from storage.attention import OpenOrder, WaitingRequest
from storage.lights import LitClock
from storage.tickets import TicketFilter
from supervision.figures import Metrics
from supervision.metrics import BY_CODE

LIST = "/board/tickets"
CAUSE_NAMES: dict[PressCause, str] = {
    PressCause.SUPERVISOR: "人工督办",
    PressCause.OVERDUE: "超期自动督办",
    PressCause.URGED: "多次催办",
    PressCause.REFUSED: "裁定不予退单后仍逾期",
}
LEVEL_TONES: dict[PressLevel, str] = {PressLevel.BLUE: "brand", PressLevel.ORANGE: "yellow", PressLevel.RED: "red"}
REQUEST_NAMES: dict[Status, str] = {Status.RETURNED: "退单", Status.EXTENDED: "延期", Status.SUSPENDING: "挂起"}
SHOWN = 7
"""Rows of the overdue list on the board; all of them are a link away."""


@dataclass(frozen=True, slots=True)
class Lights:
    """The unfinished tickets of a unit, of the desk, or of all, by light, each with the address of its list."""

    code: str
    name: str
    counts: Mapping[Light, int]
    addresses: Mapping[Light, str]
    total: int
    address: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """A limit that has passed."""

    ticket_no: str
    stage: str
    due_at: datetime
    category: str
    urgency: str
    unit: str
    handler: str
    cell: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a unit asks for, in words, and what a ruling needs to name it."""

    ticket_no: str
    version: int
    position: int
    kind: str
    kind_name: str
    unit: str
    words: str
    reason: str
    asked_at: datetime | None
    category: str
    urgency: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Order:
    """A 督办 order that waits for its answer."""

    ticket_no: str
    number: int
    level: str
    tone: str
    cause: str
    unit: str
    requirement: str
    issued_at: datetime
    due_at: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class Now:
    """Everything of this moment. The two numbers of today come with the addresses of their tickets."""

    at: datetime
    all: Lights
    units: tuple[Lights, ...]
    received_today: tuple[int, str]
    resolved_today: tuple[int, str]
    overdue: tuple[Overdue, ...]
    requests: tuple[Request, ...]
    orders: tuple[Order, ...]


async def read_now(house: House, chosen: Chosen, shown: int = SHOWN) -> Now:
    """The present of the chosen channel and unit."""
    now = house.now()
    received, resolved = await _today(house, chosen, now)
    red = replace(chosen.now, light=Light.RED)
    clocks, _ = await house.store.lights.page(red, limit=shown)
    requests = await house.store.attention.requests(channel=chosen.channel, unit=chosen.unit)
    orders = await house.store.attention.orders(channel=chosen.channel, unit=chosen.unit)
    return Now(
        now,
        await _lights(house, chosen, "", "全部", chosen.now),
        tuple(await _by_unit(house, chosen)),
        received,
        resolved,
        tuple(_overdue(house, one) for one in clocks),
        tuple(_request(house, one) for one in requests),
        tuple(_order(house, one, now) for one in orders),
    )


async def _lights(house: House, chosen: Chosen, code: str, name: str, wanted: TicketFilter, **query: str) -> Lights:
    counts = {Light(light): count for light, count in (await house.store.tickets.light_counts(wanted)).items()}
    addresses = {light: chosen.address_now(LIST, **query, light=light) for light in Light}
    return Lights(code, name, counts, addresses, sum(counts.values()), chosen.address_now(LIST, **query, open="true"))


async def _by_unit(house: House, chosen: Chosen) -> list[Lights]:
    """Each unit's tickets, with those that it helps with, and those at the desk. Units without a grid only if they have any."""
    if chosen.unit is not None:
        return []
    with_grid = {grid.unit for grid in house.settings.router.territory.grids}
    found = []
    for unit in house.settings.router.units:
        of_unit = chosen.of_unit(unit.code)
        row = await _lights(house, of_unit, unit.code, unit.name, of_unit.now)
        if row.total or unit.code in with_grid:
            found.append(row)
    at_desk = replace(chosen.now, statuses=(Status.TRIAGE,))
    return [*found, await _lights(house, chosen, "", "指挥中心待研判", at_desk, status=Status.TRIAGE)]


async def _today(house: House, chosen: Chosen, now: datetime) -> tuple[tuple[int, str], tuple[int, str]]:
    """How many came in and how many were resolved today, with their lists."""
    day = local(now).date()
    today = Chosen(PeriodChoice.TODAY, day, day, chosen.channel, chosen.unit)
    metrics = Metrics(house.store.figures, house.calendar, house.settings.supervision.smallest_ranked)
    received, resolved = [
        ((await metrics.compute(BY_CODE[code], today.slice, now)).total.n, today.address(LIST, metric=code))
        for code in ("received", "time_to_resolve")
    ]
    return received, resolved


def _overdue(house: House, one: LitClock) -> Overdue:
    router = house.router
    return Overdue(
        one.ticket_no,
        STAGE_NAMES[one.stage],
        one.due_at,
        one.category_name,
        one.urgency,
        router.unit_name(one.brigade) if one.brigade else "指挥中心",
        router.person_name(one.handler) if one.handler else "",
        router.cell_name(one.cell) if one.cell else "",
        one.excerpt,
    )


def _request(house: House, one: WaitingRequest) -> Request:
    asked = one.request.get("asked_at")
    return Request(
        one.ticket_no,
        one.version,
        one.position,
        one.status,
        REQUEST_NAMES[one.status],
        house.router.unit_name(one.unit),
        _asked_for(house, one.status, one.request),
        str(one.request.get("reason") or one.request.get("basis") or ""),
        datetime.fromisoformat(str(asked)) if asked else None,
        one.category_name,
        one.urgency,
        one.excerpt,
    )


def _asked_for(house: House, status: Status, request: Mapping[str, Any]) -> str:
    """`延期 3 个工作日`; a suspension with its last day; a return with its reason and the unit that it names."""
    if status is Status.EXTENDED:
        return f"延期 {request.get('working_days')} 个工作日"
    if status is Status.SUSPENDING:
        return f"挂起至 {request.get('until')}"
    reasons = {one.code: one.name for one in house.settings.router.return_reasons}
    code, suggested = str(request.get("reason_code", "")), str(request.get("suggested_unit") or "")
    outside = house.router.department(suggested)
    named = f"，建议改派{outside.name if outside else house.router.unit_name(suggested)}" if suggested else ""
    return f"退单：{reasons.get(code, code)}{named}"


def _order(house: House, one: OpenOrder, now: datetime) -> Order:
    return Order(
        one.ticket_no,
        one.number,
        LEVEL_NAMES[one.level],
        LEVEL_TONES[one.level],
        CAUSE_NAMES[one.cause],
        house.router.unit_name(one.unit) if one.unit else "指挥中心",
        one.requirement,
        one.issued_at,
        one.due_at,
        one.due_at is not None and one.due_at < now,
    )
