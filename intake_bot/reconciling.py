"""Reconciliation: each night, for each channel, the platform's list against ours by number and state.

What is missing here is fetched and takes the ordinary path; what differs is kept until it is settled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import aiohttp
import structlog

from adapters.channel import Channel, FieldProblem
from adapters.listing import Listed, Standing
from domain.ticket import Status
from domain.worktime import local
from intake_bot.exchange_settings import LedgerSettings
from intake_bot.fetching import NotFetched, fetch
from intake_bot.house import House
from intake_bot.intake import receive
from storage.reconciliation import Difference, OwnTicket, Run
from storage.store import Receipt

log = structlog.get_logger()

BATCH = 100
"""Missing tickets that are taken in at a time."""
EDGE = timedelta(days=1)
"""Tickets of the first day may lie on either side of the platform's own boundary; their absence there says nothing."""
JOB = "reconcile"

STANDING_OF: Mapping[Status, Standing] = {
    Status.TRIAGE: Standing.SENT,
    Status.DISPATCHED: Standing.SENT,
    **dict.fromkeys(
        (Status.ACCEPTED, Status.RETURNED, Status.EXTENDED, Status.SUSPENDING, Status.SUSPENDED), Standing.HANDLING
    ),
    Status.RESOLVED: Standing.RESOLVED,
    Status.FOLLOWED_UP: Standing.RESOLVED,
    Status.CLOSED: Standing.CLOSED,
    Status.MERGED: Standing.MERGED,
    Status.TRANSFERRED: Standing.REFERRED,
    Status.REJECTED: Standing.REJECTED,
}
OVER = frozenset({Standing.CLOSED, Standing.MERGED, Standing.REFERRED, Standing.REJECTED, Standing.RECALLED})
"""What is over there and never came here is no work of ours any more."""
_ALIKE = frozenset({(Standing.RECALLED, Standing.CLOSED)})
"""(theirs, ours) that differ in words only."""


async def reconcile_due(house: House, now: datetime) -> None:
    """Every channel whose night has come, once among all processes; one that failed is tried again each hour."""
    exchange, today = house.settings.exchange, local(now)
    if today.time() < exchange.reconcile_at:
        return
    done = await house.store.reconciliation.last_runs()
    for code in exchange.ledgers:
        run = done.get(code)
        if run is not None and run.day == f"{today:%Y-%m-%d}" and not run.error:
            continue
        if await house.store.jobs.claim(f"{JOB}:{code}", f"{today:%Y-%m-%dT%H}", now):
            await reconcile(house, house.channels[code], exchange.ledgers[code], now)


async def reconcile(house: House, channel: Channel, ledger: LedgerSettings, now: datetime) -> Run:
    """Compare one channel now; the run is kept also where the platform's list could not be read."""
    day, since = f"{local(now):%Y-%m-%d}", now - timedelta(days=ledger.days)
    timeout = aiohttp.ClientTimeout(total=house.settings.exchange.timeout_seconds)
    try:
        async with house.outgoing.session(timeout) as session:
            secret = house.secrets.get(channel.code, "")
            theirs = await fetch(session, channel, secret, ledger.url, since, now)
    except NotFetched as error:
        failed = Run(channel.code, day, now, error=str(error))
        await house.store.reconciliation.failed(failed)
        log.error("not_reconciled", channel=channel.code, error=str(error))
        return failed
    own = await house.store.reconciliation.own(channel.code, since)
    found, fetched = await _compared(house, channel, theirs, own, since + EDGE, now)
    differing = sum(not one.note for one in found)
    run = Run(channel.code, day, now, len(theirs), len(own), fetched, differing)
    await house.store.reconciliation.record(run, found)
    return run


async def _compared(
    house: House, channel: Channel, theirs: Sequence[Listed], own: Sequence[OwnTicket], since: datetime, now: datetime
) -> tuple[list[Difference], int]:
    """The differences, and how many missing tickets were taken in."""
    listed = {channel.source(one.number)[0]: one for one in theirs}
    recent = {one.source_no: one for one in own}
    older = await house.store.tickets.known(channel.code, [one for one in listed if one not in recent])
    found: list[Difference] = []
    missing: list[tuple[str, Listed]] = []
    for number, one in listed.items():
        if number in recent:
            no, status, telling = recent[number].no, recent[number].status, recent[number].telling
        elif number in older:
            (no, status), telling = older[number], False
        else:
            if one.standing not in OVER:
                missing.append((number, one))
            continue
        ours = STANDING_OF[status]
        if one.standing is not ours and not telling and (one.standing, ours) not in _ALIKE:
            found.append(Difference(number, "state", _state(one), str(ours), no))
    found += [
        Difference(mine.source_no, "missing_there", "", str(STANDING_OF[mine.status]), mine.no)
        for mine in own
        if mine.source_no not in listed and mine.reported_at >= since
    ]
    taken = [one async for one in _taken(house, channel, missing, now)]
    return found + taken, sum(bool(one.note) for one in taken)


async def _taken(
    house: House, channel: Channel, missing: Sequence[tuple[str, Listed]], now: datetime
) -> AsyncIterator[Difference]:
    """What was missing, taken in by the ordinary path; what cannot be read stays a difference."""
    for start in range(0, len(missing), BATCH):
        part = missing[start : start + BATCH]
        results: Iterable[Receipt | list[FieldProblem]] = await receive(
            house, channel, [one.raw for _, one in part], None, now
        )
        for (number, one), result in zip(part, results, strict=True):
            if isinstance(result, Receipt):
                no = result.ticket.no
                ours = str(STANDING_OF[result.ticket.status])
                yield Difference(number, "missing_here", _state(one), ours, no, f"对账时补收为 {no}")
            else:
                yield Difference(number, "missing_here", _state(one), "")


def _state(one: Listed) -> str:
    """Their standing; the state's own code where the map does not know it."""
    return str(one.standing) if one.standing is not None else one.state[:16]
