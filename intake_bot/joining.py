"""同一事件 in the running service: follows the events a second or so behind, finds what may be the same trouble, joins by rule
what is sure enough, and does on every member what the brigade does with its lead. Not: the score (`router.sameness`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from domain.event import Event
from domain.handling.joining import (
    JOINED,
    LEAD_ENDS,
    MIRRORED,
    join,
    lead_stands,
    leave,
    mirrored,
    refuse,
)
from domain.incident import Incident, ProposalState, Sameness, Signature
from domain.lifecycle import Incomplete, NotAllowed
from domain.outcome import Outcome
from domain.people import SYSTEM, Actor, Role
from domain.ticket import IN_HAND, Status, Ticket
from intake_bot.house import House
from nlu.signatures import signature
from router.sameness import WINDOW, asked_keys, compare, keys, pinned, told_again
from storage.sameness import JOB, Candidate, Followed, Found
from storage.store import RequestKey, TicketNotFound

log = structlog.get_logger()

EVERY = 1.0
"""Seconds between two looks for what is new."""
AFTER_FAILURE = 15.0
FORGET_EVERY = 600.0
RESTS = 3.0
"""After a round with more to come it rests so many times as long as that took: however much is behind, intake comes first."""

FOLLOWED = ("received", JOINED, *MIRRORED, *LEAD_ENDS)
MOST_PROPOSED = 5
JOINED_AT_ONCE = 20
_MAY_STILL_JOIN = IN_HAND | {Status.TRIAGE}


async def keep_joining(house: House) -> None:
    """Follow the events until the task is cancelled; a database that is away is asked again later."""
    clock = asyncio.get_running_loop().time
    forget_at = 0.0
    while True:
        began = clock()
        try:
            behind = await follow(house)
            wait = RESTS * (clock() - began) if behind else EVERY
            if not behind and clock() >= forget_at:
                await house.store.sameness.forget(house.now() - 2 * WINDOW, keys)
                forget_at = clock() + FORGET_EVERY
        except Exception as error:
            log.exception("incidents_behind", error=type(error).__name__)
            wait = AFTER_FAILURE
        await asyncio.sleep(wait)


async def follow(house: House) -> bool:
    """Deal with the next events; false when there are none left. Any number of processes may do so at once.

    What was begun by one that died is done by the next: steps on members are keyed by their event, proposals and the cursor
    are written together, and what is due to be joined waits as such.
    """
    now = house.now()
    round_ = await house.store.sameness.next_round(FOLLOWED)
    if round_.reached > round_.cursor:
        tickets = await house.store.sameness.tickets(sorted({one.ticket_id for one in round_.events}))
        await _follow_steps(house, [one for one in round_.events if one.event.action != "received"], tickets, now)
        new = [tickets[one.ticket_id] for one in round_.events if one.event.action == "received"]
        await house.store.sameness.keep(round_, await _find(house, new), now)
    await _join_due(house, now)
    return not round_.done


async def join_by_hand(house: House, no: str, other: str, actor: Actor, now: datetime) -> Incident:
    """A person says that two tickets are one trouble. Raises as `domain.handling.joining.join`, and TicketNotFound."""
    found = await judged(house, no, other)
    work = partial(_joining, found=found, actor=actor, now=now)
    return await house.store.incidents.join(no, other, work, found, actor.name, now)


async def take_out(house: House, no: str, actor: Actor, now: datetime, reason: str) -> bool:
    """拆分. False where the ticket is in no incident. Raises Forbidden, NotAllowed, TicketNotFound."""
    work = partial(_leaving, actor=actor, now=now, reason=reason)
    return await house.store.incidents.leave(no, work, actor.name, now)


async def refuse_proposal(house: House, no: str, other: str, actor: Actor, now: datetime, note: str) -> bool:
    """A person says that a proposal is wrong. False where none waits. Raises Forbidden, TicketNotFound."""

    def work(later: Ticket) -> Outcome:
        return refuse(later, other, actor, now, note)

    return await house.store.incidents.refuse(no, other, work, actor.name, now)


async def judged(house: House, no: str, other: str) -> Sameness:
    """How alike two tickets are as they stand now. Raises TicketNotFound."""
    one, earlier = await house.store.tickets.get(no), await house.store.tickets.get(other)
    if one is None or earlier is None:
        raise TicketNotFound
    return compare(signature_of(house, one), signature_of(house, earlier))


def signature_of(house: House, ticket: Ticket) -> Signature:
    """What is compared of a ticket. The cells of the three grids lie over the same ground: it is the ground that counts."""
    cell = ticket.lead.cell.rpartition("-")[2] if ticket.lead else ""
    key = house.store.reporter_key(ticket.complaint.reporter)
    category = house.tree.get(ticket.category)
    return signature(ticket.complaint, ticket.understanding, category, cell=cell, reporter=key)


def _joining(
    member: Ticket, lead: Ticket, incident: int, *, found: Sameness, actor: Actor, now: datetime
) -> tuple[Outcome, Outcome]:
    return join(member, lead, found, incident, actor, now)


def _leaving(
    member: Ticket, lead: Ticket, incident: int, *, actor: Actor, now: datetime, reason: str
) -> tuple[Outcome, Outcome]:
    return leave(member, lead, incident, actor, now, reason)


async def _find(house: House, new: Sequence[Ticket]) -> list[Found]:
    """What each new ticket may be the same trouble as, those of the same round included."""
    found: list[Found] = []
    here: dict[int, list[Candidate]] = defaultdict(list)
    for ticket in sorted(new, key=lambda one: one.id):
        signed = signature_of(house, ticket)
        asked = asked_keys(signed)
        known = {one.ticket_id: one for one in await house.store.sameness.candidates(ticket.id, asked)}
        known.update({one.ticket_id: one for key in asked for one in here[key] if one.ticket_id < ticket.id})
        found.append(_judged(house, ticket, signed, list(known.values())))
        itself = Candidate(ticket.id, ticket.no, ticket.status, signed)
        for key in found[-1].keys:
            here[key].append(itself)
    return found


def _judged(house: House, ticket: Ticket, signed: Signature, candidates: Sequence[Candidate]) -> Found:
    settings = house.settings.router.joining
    likely = [
        (one, sameness)
        for one in candidates
        if one.status is not Status.MERGED
        and (
            (sameness := compare(signed, one.signature)).chance >= settings.propose or told_again(signed, one.signature)
        )
    ]
    likely.sort(key=lambda pair: (-pair[1].chance, pair[0].ticket_id))
    proposals: list[tuple[int, Sameness, ProposalState]] = []
    for one, sameness in likely[:MOST_PROPOSED]:
        state = ProposalState.OPEN
        if sameness.same_reporter or one.status not in _MAY_STILL_JOIN:
            state = ProposalState.REPEAT
        elif settings.confidence is not None and sameness.chance >= settings.confidence:
            first = all(known is not ProposalState.DUE for _, _, known in proposals)
            state = ProposalState.DUE if first and pinned(signed, one.signature) else state
        proposals.append((one.ticket_id, sameness, state))
    return Found(ticket.id, signed, keys(signed), tuple(proposals))


async def _join_due(house: House, now: datetime) -> None:
    """Join by rule what is sure enough; where a ticket's own state forbids it, a person decides."""
    for one in await house.store.incidents.waiting(ProposalState.DUE, JOINED_AT_ONCE):
        found = await judged(house, one.no, one.other)
        work = partial(_joining, found=found, actor=SYSTEM, now=now)
        try:
            await house.store.incidents.join(one.no, one.other, work, found, SYSTEM.name, now, due=True)
        except (NotAllowed, Incomplete):
            await house.store.incidents.give_up(one.no, one.other)


async def _follow_steps(house: House, steps: Sequence[Followed], tickets: dict[int, Ticket], now: datetime) -> None:
    behind = await house.store.incidents.members_behind(sorted({one.ticket_id for one in steps}))
    for step in steps:
        ticket, event = tickets[step.ticket_id], step.event
        if event.action == JOINED:
            await _catch_up(house, ticket, step, now)
        elif event.action in LEAD_ENDS:
            await _let_go(house, ticket, behind.get(ticket.id, ()), now)
        elif ticket.lead is not None and event.position == ticket.lead.position:
            for no in behind.get(ticket.id, ()):
                await _mirror(house, no, [event], ticket.no, step.sequence, now)


async def _catch_up(house: House, member: Ticket, step: Followed, now: datetime) -> None:
    """The task that a ticket joined has been signed for already: so is its own, from now on. Where it rests, so does this."""
    lead = await house.store.tickets.get(str(step.event.data["lead"]))
    if lead is None or lead.lead is None or lead.lead.accepted_at is None:
        return
    at = step.event.at
    done = [Event("accepted", at, lead.lead.handler or SYSTEM.name, Role.BRIGADE)]
    if lead.lead.status is Status.SUSPENDED:
        events = [one.event for one in await house.store.tickets.events(lead.no)]
        granted = next(one for one in reversed(events) if one.action == "suspended")
        data = {**granted.data, "asked_at": at.isoformat(), "since": at.isoformat()}
        done.append(replace(granted, at=at, data=data))
    await _mirror(house, member.no, done, lead.no, step.sequence, now)


async def _mirror(house: House, no: str, events: Sequence[Event], lead_no: str, sequence: int, now: datetime) -> None:
    """Do on a member what was done on its lead, once, whoever follows."""

    def work(member: Ticket) -> Outcome:
        outcome = Outcome(member, ())
        for event in events:
            then = mirrored(outcome.ticket, event, lead_no, house.planner)
            if then is not None:
                outcome = Outcome(then.ticket, (*outcome.events, *then.events), (*outcome.notices, *then.notices))
        return outcome

    await house.store.change(no, work, key=RequestKey(f"{JOB}:{sequence}:{no}", now))


async def _let_go(house: House, lead: Ticket, members: Sequence[str], now: datetime) -> None:
    """Members whose lead went elsewhere or ended without being handled go on by themselves."""
    for no in members:
        member = await house.store.tickets.get(no)
        unit = member.lead.unit if member is not None and member.lead is not None else ""
        if lead.resolved_at is not None or (lead_stands(lead) and lead.lead is not None and lead.lead.unit == unit):
            continue
        await take_out(house, no, SYSTEM, now, "主工单已转出、退回或另行了结，本工单恢复单独办理")
