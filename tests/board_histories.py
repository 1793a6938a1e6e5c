"""Tickets for the tests of the board: received over some weeks, most of them worked on, some overdue, asked for, pressed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from domain.actions import DETAILS
from domain.complaint import Complaint, Reporter
from domain.handling import handle
from domain.lifecycle import Action
from domain.limit import Limit
from domain.people import Actor, Role
from domain.ticket import Ticket
from intake_bot.house import House
from intake_bot.intake import take
from supervision.sweeps import Sweeps

OPERATOR = Actor("operator.one", Role.OPERATOR)
SUPERVISOR = Actor("supervisor.one", Role.SUPERVISOR)
CHANNELS = ("12345", "12319", "12369", "e-steward")
TEXTS = (
    "港口社区：流动摊贩占道经营，影响通行",
    "西张社区：垃圾堆放多日无人清理，气味难闻",
    "凤凰村：工地夜间施工噪声很大，影响居民休息",
    "恬庄村：工厂排放废气，味道刺鼻",
    "双塘村：有人在楼顶违规搭建彩钢房",
)


async def received(house: House, number: int, at: datetime, content: str = "", channel: str = "") -> Ticket:
    """One ticket, received at a moment."""
    complaint = Complaint(
        channel=channel or CHANNELS[number % len(CHANNELS)],
        source_no=f"BOARD-{number}",
        reported_at=at - timedelta(minutes=10),
        received_at=at,
        content=content or TEXTS[number % len(TEXTS)],
        reporter=Reporter(name="测试市民", phone="13800000001"),
        raw=b"{}",
    )
    receipts = await take(house, [complaint], Actor("test", Role.CHANNEL), at, channel="test")
    return receipts[0].ticket


async def done(house: House, no: str, action: Action, actor: Actor, at: datetime, **details: Any) -> Ticket:
    body = DETAILS[action](**details)
    return await house.store.change(no, lambda before: handle(before, action, body, actor, at, house.planner))


def member_of(ticket: Ticket) -> Actor:
    """Somebody of the unit that leads."""
    assert ticket.lead is not None
    return Actor(ticket.lead.handler or "member", Role.BRIGADE, ticket.lead.unit)


async def dispatched(house: House, ticket: Ticket, at: datetime) -> Ticket:
    """The ticket with a unit, by hand where the model was unsure."""
    if ticket.lead is not None:
        return ticket
    return await done(house, ticket.no, Action.TRANSFER, OPERATOR, at, brigade="brigade-1", reason="职责")


async def live_through(house: House, tickets: int, days: int, seed: int = 1) -> None:
    """So many tickets over so many days up to now; about a third unfinished, and lights and gaps as of now."""
    chance = random.Random(seed)
    now = house.now()
    for number in range(tickets):
        at = now - timedelta(days=days * (1 - number / tickets)) + timedelta(minutes=chance.randrange(1, 300))
        ticket = await received(house, number, min(at, now - timedelta(minutes=5)))
        await _work(house, chance, ticket, at, now)
    await sweep(house, now)


async def _work(house: House, chance: random.Random, ticket: Ticket, at: datetime, now: datetime) -> None:
    moments = [at + timedelta(hours=hours) for hours in (1, 3, 8, 40, 60, 70)]
    steps: list[tuple[Action, dict[str, Any]]] = [
        (Action.ACCEPT, {}),
        (Action.CONTACT, {}),
        (Action.RESOLVE, {"result": "已到现场处理", "photos": ("https://example.invalid/1.jpg",)}),
        (Action.FOLLOW_UP, {"solved": chance.choice(("yes", "no")), "satisfaction": "satisfied"}),
    ]
    if moments[0] > now:
        return
    ticket = await dispatched(house, ticket, moments[0])
    far = chance.choice((0, 1, 2, 4, 4, 4))
    for (action, details), moment in zip(steps[:far], moments[1:], strict=False):
        if moment > now:
            return
        actor = OPERATOR if action is Action.FOLLOW_UP else member_of(ticket)
        ticket = await done(house, ticket.no, action, actor, moment, **details)


async def sweep(house: House, now: datetime) -> None:
    """The timers' round."""
    settings = house.settings
    sweeps = Sweeps(
        house.store, settings.supervision, house.calendar, house.planner, Limit.parse(settings.router.margin)
    )
    await sweeps.lights(now)
    await sweeps.gaps(now)


async def asked(house: House, number: int, action: Action, **details: Any) -> Ticket:
    """A ticket of an hour ago whose unit asks for something."""
    now = house.now()
    ticket = await dispatched(house, await received(house, number, now - timedelta(minutes=50)), now)
    member = member_of(ticket)
    if action is not Action.RETURN:
        ticket = await done(house, ticket.no, Action.ACCEPT, member, now - timedelta(minutes=30))
    return await done(house, ticket.no, action, member, now - timedelta(minutes=20), **details)
