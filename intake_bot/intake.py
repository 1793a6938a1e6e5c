"""The one path through the house: what a channel sent → Complaint → understood → routed → on disk.

It composes the rooms and decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from adapters.channel import Channel, FieldProblem, Refused
from adapters.manual import OWN_SCHEME
from domain.complaint import Complaint
from domain.intake import open_ticket, received_again
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.understanding import Evidence, Understanding
from intake_bot.house import House
from router.route import Case
from storage.store import Receipt


async def receive(
    house: House, channel: Channel, members: Sequence[bytes], nonce: str | None, now: datetime
) -> list[Receipt | list[FieldProblem]]:
    """Take what a channel sent: for each member, in order, its receipt or what is wrong with it.

    Returns only when every accepted member is on disk. Raises `storage` errors when nothing of it could be taken.
    """
    read: list[Complaint | list[FieldProblem]] = []
    for member in members:
        try:
            read.append(channel.read(member, now))
        except Refused as refused:
            read.append(refused.problems)
    complaints = [one for one in read if isinstance(one, Complaint)]
    actor = Actor(f"channel:{channel.code}", Role.CHANNEL)
    receipts = iter(await take(house, complaints, actor, now, channel=channel.code, nonce=nonce))
    return [next(receipts) if isinstance(one, Complaint) else one for one in read]


async def take(
    house: House,
    complaints: Sequence[Complaint],
    actor: Actor,
    now: datetime,
    *,
    channel: str,
    nonce: str | None = None,
) -> list[Receipt]:
    """Understand, route and store complaints; one receipt each, in order, once all are on disk."""
    drafts = await draft(house, complaints, actor, now)
    again = partial(received_again, actor=actor, now=now, planner=house.planner)
    return await house.store.take(drafts, channel=channel, nonce=nonce, seen_at=now, again=again)


async def draft(house: House, complaints: Sequence[Complaint], actor: Actor, now: datetime) -> list[Outcome]:
    """What the tickets of these complaints would be; nothing is stored."""
    understandings = await house.engine.understand([(one.text, evidence_of(one)) for one in complaints])
    drafts = []
    for complaint, understanding in zip(complaints, understandings, strict=True):
        case = _case(house, complaint, understanding)
        routing = house.router.route(case, now, house.absences.now_known())
        category = house.tree.get(case.category)
        drafts.append(open_ticket(complaint, understanding, category, case.kind, routing, actor, now))
    return drafts


def _case(house: House, complaint: Complaint, understanding: Understanding) -> Case:
    """The model's category; where a person of ours has chosen one while entering it, their word counts."""
    chosen = (one.code for one in complaint.codes if one.scheme == OWN_SCHEME)
    own = next((code for code in chosen if house.tree.get(code) is not None), None)
    if own is None:
        return Case(complaint, understanding, kind=understanding.kind, category=understanding.category.code)
    return Case(
        complaint,
        understanding,
        kind=complaint.claimed_kind or understanding.kind,
        category=own,
        urgency=complaint.claimed_urgency,
        decided=True,
    )


def evidence_of(complaint: Complaint) -> Evidence:
    """What the platform claims, for the model to weigh."""
    return Evidence(
        kind=complaint.claimed_kind,
        urgency=complaint.claimed_urgency,
        codes=complaint.codes,
        address=complaint.place.address,
        received_at=complaint.received_at,
    )
