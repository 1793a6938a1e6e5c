"""Short ways for tests to put the small town's tickets into a store and to act on them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import town

from domain.actions import DETAILS
from domain.complaint import Kind
from domain.handling import handle
from domain.lifecycle import Action
from domain.limit import Limit
from domain.outcome import Outcome
from domain.people import Actor
from domain.ticket import Ticket
from domain.worktime import WorkCalendar
from storage.store import Receipt, Store
from supervision.assessment.assessing import Assessing
from supervision.assessment.settings import AssessmentSettings
from supervision.figures import Metrics
from supervision.reports.content import Gathering
from supervision.reports.periods import PeriodKind
from supervision.reports.schedule import ReportSchedule
from supervision.reports.settings import ReportFormat, ReportSettings, ScheduleSettings
from supervision.settings import SupervisionSettings
from supervision.sweeps import Sweeps

SCHEDULED = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)


def drafted(source_no: str, category: str = town.STALL, now: datetime = town.MONDAY, **changed: Any) -> Outcome:
    """The draft of a ticket; further keywords change the complaint, `confidence` and `kind` the understanding."""
    confidence, kind = changed.pop("confidence", 0.9), changed.pop("kind", Kind.COMPLAINT)
    complaint = town.complaint(source_no=source_no, reported_at=now - timedelta(minutes=10), received_at=now, **changed)
    return town.draft(town.case(category, confidence, complaint=complaint, kind=kind), now)


def unchanged(_existing: Ticket, _draft: Outcome) -> None:
    """Whatever is sent again changes nothing."""


async def take(
    store: Store, *drafts: Outcome, nonce: str | None = None, seen_at: datetime = town.MONDAY
) -> list[Receipt]:
    return await store.take(drafts, channel="12345", nonce=nonce, seen_at=seen_at, again=unchanged)


async def taken(
    store: Store, source_no: str, category: str = town.STALL, now: datetime = town.MONDAY, **changed: Any
) -> Ticket:
    """A stored ticket."""
    receipts = await take(store, drafted(source_no, category, now, **changed), seen_at=now)
    return receipts[0].ticket


async def act(store: Store, no: str, action: Action, actor: Actor, now: datetime, **details: Any) -> Ticket:
    """The stored ticket after an action."""
    body = DETAILS[action](**details)
    return await store.change(no, lambda before: handle(before, action, body, actor, now, town.PLANNER))


def sweeps(store: Store, settings: SupervisionSettings | None = None, calendar: WorkCalendar | None = None) -> Sweeps:
    """The sweeps of the small town."""
    return Sweeps(
        store,
        settings or SupervisionSettings(bureau_head="d1", supervisors=("s1",)),
        calendar or WorkCalendar(),
        town.PLANNER,
        Limit.parse("1 working_days"),
    )


def report_schedule(store: Store) -> ReportSchedule:
    """The reports of each day, week and month of the small town, told to its head."""
    gathering = Gathering(
        store,
        Metrics(store.figures, WorkCalendar(), 1),
        Assessing(store, AssessmentSettings(smallest_ranked=5)),
        lambda _, key: key or "（无）",
        "青石镇综合执法局",
    )
    formats = tuple(ReportFormat)
    return ReportSchedule(
        gathering,
        store.assessments,
        ReportSettings(
            tell=("d1",),
            schedule=tuple(ScheduleSettings(period=kind, formats=formats) for kind in SCHEDULED),
        ),
    )


async def sweep_all(store: Store, now: datetime) -> None:
    """One round of everything that changes tickets, and the daily figures."""
    each = sweeps(store)
    await each.posts(now)
    await each.suspensions(now)
    await each.lights(now)
    await each.escalation(now)
    await each.orders(now)
    await each.gaps(now)
    await each.daily_figures(now)
