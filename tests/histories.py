"""Random but lawful histories of tickets for tests: people act at random moments within what the life cycle allows."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import town
from parts import act, drafted

from domain.complaint import Kind, Reporter
from domain.event import Event
from domain.intake import received_again
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed, allowed_actions
from domain.outcome import Outcome
from domain.people import Actor
from domain.ticket import Ticket
from storage.store import Store
from storage.tickets import TicketFilter

CATEGORIES = (town.STALL, town.RUBBISH, town.SMELL, town.COLLAPSE, town.ILLEGAL_BUILDING, town.PARKING)
CHANNELS = ("12345", "12319", "phone")
UNITS = (town.CITY, town.ENTERPRISE, town.CONSTRUCTION)
STEPS = 14
FORWARD = (Action.ACCEPT, Action.CONTACT, Action.RESOLVE, Action.FOLLOW_UP, Action.CLOSE)


@dataclass(frozen=True, slots=True)
class History:
    """A ticket as it stands, with all its events."""

    ticket: Ticket
    events: tuple[Event, ...]


async def make_histories(store: Store, seed: int, number: int, start: datetime, days: int) -> list[History]:
    """So many tickets received within so many days, each acted on some times."""
    chance = random.Random(seed)
    for index in range(number):
        received = start + timedelta(minutes=chance.randrange(days * 24 * 60))
        await _one(store, chance, f"R{seed}-{index}", received)
    return await read_histories(store)


async def read_histories(store: Store) -> list[History]:
    found = []
    for no in await store.tickets.numbers(TicketFilter()):
        ticket = await store.tickets.get(no)
        assert ticket is not None
        found.append(History(ticket, tuple(one.event for one in await store.tickets.events(no))))
    return found


async def _one(store: Store, chance: random.Random, source_no: str, received: datetime) -> None:
    draft = _draft(chance, source_no, received)
    again = _again(received)
    receipt = (await store.take([draft], channel="test", nonce=None, seen_at=received, again=again))[0]
    no, now, version = receipt.ticket.no, received, 0
    for _ in range(chance.randrange(STEPS)):
        now += timedelta(minutes=chance.choice((3, 20, 120, 600, 1500, 4000)))
        if chance.random() < 0.08:
            version += 1
            resent = _draft(chance, source_no, now, source_version=version, channel=receipt.ticket.complaint.channel)
            await store.take([resent], channel="test", nonce=None, seen_at=now, again=_again(now))
            continue
        await _act(store, no, chance, now)


def _draft(chance: random.Random, source_no: str, now: datetime, **changed: Any) -> Outcome:
    reporter = Reporter(phone=chance.choice(("", "13800000001", "13800000002")), anonymous=chance.random() < 0.1)
    made: dict[str, Any] = {
        "channel": chance.choice(CHANNELS),
        "reporter": reporter,
        "kind": chance.choice(tuple(Kind)),
        "confidence": chance.choice((0.9, 0.9, 0.9, 0.2)),
    }
    return drafted(source_no, chance.choice(CATEGORIES), now, **{**made, **changed})


def _again(now: datetime) -> Any:
    return lambda existing, draft: received_again(existing, draft, town.CHANNEL, now, town.PLANNER)


async def _act(store: Store, no: str, chance: random.Random, now: datetime) -> None:
    """Somebody does something that is allowed; what lacks something after all does not happen."""
    ticket = await store.tickets.get(no)
    assert ticket is not None
    unit = ticket.lead.unit if ticket.lead is not None else town.CITY
    actors: tuple[Actor, ...] = (town.member(unit), town.member(unit), town.OPERATOR, town.SUPERVISOR)
    allowed = [(actor, action) for actor in actors for action in allowed_actions(ticket, actor)]
    # The way to the end is taken more often than the byways.
    forward = [one for one in allowed if one[1] in FORWARD]
    choices = [one for one in allowed if one[1] is not Action.MERGE] + 3 * forward
    if not choices:
        return
    actor, action = chance.choice(choices)
    details: dict[str, Any] = {
        Action.CONTACT: {"reached": chance.random() < 0.8},
        Action.RETURN: {"reason_code": "R1", "basis": "职责清单"},
        Action.EXTEND: {"working_days": 2, "reason": "需要鉴定", "decision": chance.choice(("approved", "refused"))},
        Action.SUSPEND: {
            "until": (now + timedelta(days=chance.choice((1, 3, 9)))).date(),
            "reason": "等待检测",
            "decision": chance.choice(("approved", "refused")),
        },
        Action.TRANSFER: chance.choice(
            (
                {"brigade": chance.choice(UNITS), "reason": "职责"},
                {"brigade": chance.choice(UNITS), "reason": "职责"},
                {"brigade": chance.choice(UNITS), "share": "helper"},
                {"department": town.POWER.code},
            )
        ),
        Action.RESOLVE: {"result": "已处理", "photos": chance.choice(((), ("https://example.invalid/1.jpg",)))},
        Action.FOLLOW_UP: {
            "reached": chance.random() < 0.8,
            "solved": chance.choice(("yes", "partly", "no")),
            "satisfaction": chance.choice(("", "satisfied", "basically", "unsatisfied")),
        },
        Action.CLOSE: {"reason": chance.choice(("", "无法联系"))},
        Action.PRESS: {"requirement": "尽快办理"},
        Action.RECLASSIFY: {"category": chance.choice(CATEGORIES)},
    }.get(action, {})
    try:
        await act(store, no, action, actor, now, **details)
    except (Forbidden, Incomplete, NotAllowed):
        return
