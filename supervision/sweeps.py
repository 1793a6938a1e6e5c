"""What each timer does when it rings: lights, suspensions, escalation, gaps, deadlines, daily figures, purge.

Not: when (`scheduler`).

Every sweep may run in any number of processes at once, late, twice or after a crash: what it changes is decided inside the
writer's transaction, from the ticket as it is there, so that each change happens once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial

import structlog

from domain.absence import by_account
from domain.handling.standing_in import stood_in
from domain.handling.suspending import resumed_by_itself
from domain.light import Light
from domain.limit import Limit
from domain.outcome import Outcome
from domain.planning import Planner
from domain.recomputing import with_deadlines_of
from domain.ticket import Ticket
from domain.worktime import WorkCalendar, local
from storage.lights import LitClock
from storage.rollups import JOB as DAILY_FIGURES
from storage.store import Climb, Store, VersionConflict
from supervision import orders
from supervision.daily import day_of_figures
from supervision.escalation import ClockKey, Ladder, clock_of
from supervision.gaps import DECIDING, Watch, find_gaps, with_gaps
from supervision.lights import relit
from supervision.settings import SupervisionSettings

log = structlog.get_logger()

PAGE = 500
"""Tickets that a sweep takes in hand at once; they share commits."""

GAPS = "gaps"
ORDERS = "orders"
CALENDAR = "calendar"
DAYS_OF_CALENDAR = 3 * 366
"""How many days from today a calendar is compared over."""


class Sweeps:
    """The sweeps over one store. Each takes the moment that counts as now and returns how much it changed."""

    def __init__(
        self,
        store: Store,
        settings: SupervisionSettings,
        calendar: WorkCalendar,
        planner: Planner,
        margin: Limit,
    ) -> None:
        self._store = store
        self._settings = settings
        self._calendar = calendar
        self._planner = planner
        self._margin = margin
        self._orders = orders.OrderRules(settings, calendar, planner)
        self._ladder = Ladder(settings, calendar, planner)
        self._tolerance = timedelta(seconds=settings.clock_tolerance_seconds)

    async def lights(self, now: datetime) -> int:
        """Turn the lights of all running clocks to what they are at `now`; how many tickets were looked at."""
        looked_at: set[str] = set()
        while True:
            numbers = await self._store.lights.stale(now, self._tolerance, PAGE)
            fresh = [no for no in numbers if no not in looked_at]
            if not fresh:
                return len(looked_at)
            await self._change_all(fresh, partial(relit, now=now, tolerance=self._tolerance))
            looked_at.update(fresh)

    async def suspensions(self, now: datetime) -> int:
        """End every suspension that is over at `now`; how many tickets were looked at."""
        looked_at: set[str] = set()
        while fresh := [no for no in await self._store.tickets.suspended_until(now, PAGE) if no not in looked_at]:
            await self._change_all(fresh, partial(resumed_by_itself, now=now, planner=self._planner))
            looked_at.update(fresh)
        return len(looked_at)

    async def orders(self, now: datetime) -> int:
        """Give the 督办 orders that rules demand since the last time, and raise those that were not answered in time.

        How many tickets were looked at. How far the events were followed is noted only afterwards, as with gaps.
        """
        looked_at = 0
        while touched := await self._store.tickets.touched_after(
            await self._store.jobs.followed(ORDERS), orders.DECIDING, PAGE
        ):
            numbers = list(dict.fromkeys(no for _, no in touched))
            await self._change_all(numbers, partial(self._orders.given, now=now))
            await self._store.jobs.follow(ORDERS, touched[-1][0])
            looked_at += len(numbers)
        seen: set[str] = set()
        while fresh := [no for no in await self._store.tickets.orders_due(now, PAGE) if no not in seen]:
            await self._change_all(fresh, partial(self._orders.raised, now=now))
            seen.update(fresh)
        return looked_at + len(seen)

    async def posts(self, now: datetime) -> int:
        """Hand work to whoever stands in for those who are away, and back to those who are there again; how many tickets.

        One at whose posts nobody is there stays with the head's deputy and is looked at each time.
        """
        absences = by_account(await self._store.absences.current(now))
        away = self._planner.away(now, absences)
        work = partial(stood_in, now=now, absences=absences, planner=self._planner)
        looked_at, last = 0, 0
        while found := await self._store.tickets.unmanned_after(last, away, PAGE):
            await self._change_all([no for _, no in found], work)
            looked_at += len(found)
            last = found[-1][0]
        return looked_at

    async def _change_all(self, numbers: Sequence[str], work: partial[Outcome]) -> None:
        await asyncio.gather(*(self._store.change(no, work) for no in numbers))

    async def escalation(self, now: datetime) -> int:
        """Take every step of the ladder that is due at `now`; how many clocks were taken up."""
        taken_up = 0
        for taken, step in enumerate(self._ladder.steps):
            lights = (Light.RED,) if step.light is Light.RED else (Light.YELLOW, Light.RED)
            last: LitClock | None = None
            while True:
                found = await self._store.lights.climbing(
                    taken, lights, self._ladder.urgencies(now), after=last, limit=PAGE
                )
                if not found:
                    break
                climbs = await asyncio.gather(*(self._climb(one, taken, now) for one in found))
                taken_up += sum(climbs)
                last = found[-1]
                # Red ones come by deadline: where none of a page was due, none of the next is.
                if len(found) < PAGE or (step.light is Light.RED and not any(climbs)):
                    break
        return taken_up

    async def _climb(self, one: LitClock, taken: int, now: datetime) -> bool:
        ticket = await self._store.tickets.get(one.ticket_no)
        key = ClockKey(one.position, one.stage, one.round)
        clock = clock_of(ticket, key)[1] if ticket is not None else None
        until = self._ladder.climbed(clock, taken, now) if clock is not None else taken
        if until == taken:
            return False
        await self._store.change(
            one.ticket_no,
            lambda before: self._ladder.take(before, key, taken, until, now),
            climb=Climb(one.position, one.stage, one.round, taken, until),
        )
        return True

    async def gaps(self, now: datetime) -> int:
        """Look for gaps in every ticket to which something deciding happened since the last time; how many were looked at.

        How far the events have been followed is noted only afterwards: after a crash some tickets are looked at again.
        """
        looked_at = 0
        while True:
            start = await self._store.jobs.followed(GAPS)
            touched = await self._store.tickets.touched_after(start, DECIDING, PAGE)
            if not touched:
                return looked_at
            numbers = list(dict.fromkeys(no for _, no in touched))
            await asyncio.gather(*(self._look_for_gaps(no, now) for no in numbers))
            await self._store.jobs.follow(GAPS, touched[-1][0])
            looked_at += len(numbers)

    async def _look_for_gaps(self, no: str, now: datetime) -> None:
        while True:
            ticket = await self._store.tickets.get(no)
            if ticket is None:
                return
            events = [one.event for one in await self._store.tickets.events(no)]
            found = find_gaps(ticket, events, now, self._watch(ticket))
            if not with_gaps(ticket, found, now).events:
                return
            try:
                await self._store.change(no, partial(with_gaps, found=found, now=now), expected_version=ticket.version)
            except VersionConflict:
                continue  # somebody changed it between: look at it as it is now
            return

    def _watch(self, ticket: Ticket) -> Watch:
        category = self._planner.category(ticket.category)
        time_class = category.time_class if category is not None else ""
        required = self._settings.photo_required
        return Watch(self._settings.gaps, ticket.category in required or (time_class != "" and time_class in required))

    async def deadlines(self, now: datetime) -> int:
        """Count the running deadlines anew where the calendar is not the one they were last counted by; how many tickets.

        That a calendar has been dealt with is noted only afterwards; doing it twice changes nothing.
        """
        slot = _fingerprint(self._calendar, local(now).date())
        if await self._store.jobs.settled(CALENDAR) == slot:
            return 0
        looked_at, last = 0, 0
        while found := await self._store.tickets.unfinished_after(last, PAGE):
            await self._change_all([no for _, no in found], partial(self._recounted, now=now))
            looked_at += len(found)
            last = found[-1][0]
        await self._store.jobs.settle(CALENDAR, slot, now)
        return looked_at

    def _recounted(self, ticket: Ticket, now: datetime) -> Outcome:
        try:
            outcome = with_deadlines_of(ticket, self._calendar, self._margin, now)
        except ValueError as error:
            log.warning("deadline_not_recomputed", ticket=ticket.no, reason=str(error))
            outcome = None
        return outcome or Outcome(ticket, ())

    async def daily_figures(self, now: datetime) -> int:
        """Count the last days that are over and not kept yet, and anew those that a later change has touched; how many days.

        How far the events have been followed is noted only afterwards: after a crash some days are counted again.
        """
        rollups = self._store.figures.rollups
        followed, newest = await rollups.progress()
        today = local(now).date()
        over = {today - timedelta(days=back) for back in range(1, self._settings.figures_days_back + 1)}
        wanted = {day.isoformat() for day in over} - await rollups.kept()
        wanted |= await rollups.touched(followed) or set()
        kept = 0
        for day in sorted(wanted):
            _, sequence = await rollups.progress()
            rows = await day_of_figures(self._store.figures, date.fromisoformat(day))
            kept += await rollups.keep(day, rows, now, sequence=sequence)
        await self._store.jobs.follow(DAILY_FIGURES, newest)
        return kept

    async def purge(self, now: datetime) -> None:
        """Forget nonces, tokens and claims that have served their time, and pictures that no ticket came of."""
        await self._store.jobs.purge(
            now,
            nonces_before=now - timedelta(hours=self._settings.nonces_kept_hours),
            claims_before=now - timedelta(days=self._settings.claims_kept_days),
            tokens_before=now - timedelta(days=self._settings.tokens_kept_days),
        )
        gone = await self._store.pictures.forget(now - timedelta(days=self._settings.pictures_kept_days))
        if gone:
            log.info("pictures_forgotten", count=gone)


def _fingerprint(calendar: WorkCalendar, today: date) -> str:
    """What tells one calendar from another, as far as running deadlines can reach: each day's hours, and the yellow rule.

    Counted from the year's first day, so that it stays the same through the year.
    """
    first = date(today.year, 1, 1)
    days = (first + timedelta(days=number) for number in range(DAYS_OF_CALENDAR))
    facts = [(calendar.spans(day), calendar.day(day).provisional) for day in days]
    return hashlib.blake2b(repr((first, facts, calendar.yellow)).encode(), digest_size=16).hexdigest()
