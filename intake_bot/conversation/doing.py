"""Doing what a turn asks for: tickets made through the one path, look-ups, urging, rating. Done twice, it is done once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.actions import Details, FollowUp
from domain.actions import Urge as UrgeDetails
from domain.complaint import Complaint
from domain.handling import handle
from domain.lifecycle import Action, Forbidden, Incomplete, NotAllowed
from domain.outcome import Outcome
from domain.people import Actor, Role
from domain.ticket import Ticket
from domain.worktime import local
from intake_bot.conversation.state import WECHAT_CONTACT, Add, File, LookUp, Pending, State, Urge
from intake_bot.conversation.telling import Done, Seen
from intake_bot.house import House
from intake_bot.intake import take
from intake_bot.pictures import pictures_belong
from storage.store import RequestKey, TicketNotFound

MOST_MISSES = 5
"""Wrong digits for one ticket in a day. Who filed it in the same dialogue sees it without any."""


async def do(house: House, state: State, pending: Pending) -> Done:
    """Do a deed that was noted before. Raises `storage` errors; then it is still noted and will be done again."""
    deed = pending.deed
    if isinstance(deed, File):
        return await _take(house, deed.complaints, pending.at)
    if isinstance(deed, Add):
        return await _take(house, (deed.complaint,), pending.at)
    if isinstance(deed, LookUp):
        return await _look_up(house, deed, pending.at)
    if isinstance(deed, Urge):
        return await _act(house, state, pending, deed.ticket_no, Action.URGE, UrgeDetails(note=deed.words))
    rating = FollowUp(solved=deed.solved, satisfaction=deed.satisfaction)
    return await _act(house, state, pending, deed.ticket_no, Action.FOLLOW_UP, rating)


async def _take(house: House, complaints: Sequence[Complaint], at: datetime) -> Done:
    channel = complaints[0].channel
    receipts = await take(house, complaints, _citizen(channel), at, channel=channel)
    house.counters.received(channel, receipts)
    for receipt, complaint in zip(receipts, complaints, strict=True):
        await pictures_belong(house, receipt.ticket.no, [one.url for one in complaint.attachments])
    return Done(tuple(receipt.ticket for receipt in receipts))


def _citizen(channel: str) -> Actor:
    """Whoever it is, events name no citizen."""
    return Actor(f"citizen:{channel}", Role.CITIZEN)


async def _look_up(house: House, deed: LookUp, at: datetime) -> Done:
    """The ticket, for its own person or for somebody who knows the last four digits of the number that was left.

    Four digits can be guessed: after some misses that day, whoever made them, nobody is answered by them any more.
    """
    look_ups, day = house.store.look_ups, local(at).date()
    if not deed.own and not await look_ups.allowed(deed.ticket_no, day, MOST_MISSES):
        return Done(refused=True)
    ticket = await house.store.tickets.get(deed.ticket_no)
    if ticket is None or not (deed.own or _knows(ticket, deed.tail)):
        return Done()
    if not deed.own:
        await look_ups.matched(deed.ticket_no, day)
    return Done(found=await _seen(house, ticket))


def _knows(ticket: Ticket, tail: str) -> bool:
    reporter = ticket.complaint.reporter
    ways = (reporter.phone, "" if reporter.contact.startswith(WECHAT_CONTACT) else reporter.contact)
    numbers = ("".join(char for char in one if char.isdigit()) for one in ways)
    return len(tail) == 4 and any(len(one) >= 7 and one.endswith(tail) for one in numbers)


async def _seen(house: House, ticket: Ticket) -> Seen:
    """With what the unit wrote for the citizen when it resolved the ticket, and the reason of a refusal."""
    reply = reason = ""
    for one in await house.store.tickets.events(ticket.no):
        if one.event.action == "resolved":
            reply = str(one.event.data.get("public_reply") or "")
        elif one.event.action == "rejected":
            reason = str(one.event.data.get("reason") or "")
    return Seen(ticket, reply, reason)


async def _act(house: House, state: State, pending: Pending, no: str, action: Action, details: Details) -> Done:
    """One action of the life cycle in the citizen's own name, under a key, so that it happens once."""
    actor = _citizen(state.channel)

    def work(ticket: Ticket) -> Outcome:
        return handle(ticket, action, details, actor, pending.at, house.planner)

    key = RequestKey(f"conversation:{state.conversation}:{pending.turn_id}", pending.at)
    try:
        ticket = await house.store.change(no, work, key=key)
    except TicketNotFound:
        return Done()
    except (NotAllowed, Forbidden, Incomplete):
        # Whatever the reason, the dialogue goes on: a deed that can never be done must not be tried at every turn.
        found = await house.store.tickets.get(no)
        return Done(found=await _seen(house, found) if found else None, refused=True)
    return Done(found=await _seen(house, ticket))
