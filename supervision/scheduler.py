"""The timer of each process: when the sweeps run. Not: what they do (`sweeps`) or who else runs them (the database decides)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from prometheus_client import Counter

from domain.limit import Limit
from domain.planning import Planner
from domain.worktime import LOCAL, WorkCalendar
from storage.store import Store
from supervision.settings import SupervisionSettings
from supervision.sweeps import Sweeps

log = structlog.get_logger()

Sweep = Callable[[datetime], Awaitable[object]]
"""What a timer runs: it hears the moment that counts."""

HOUR = 3600
PATIENCE = timedelta(seconds=20)
"""How long `stop` waits for a sweep that is running; the database finishes or forgets what is cut off."""


class Supervisor:
    """The scheduler of one process. `start` and `stop` it inside a running event loop.

    `now` gives the moment that counts (aware). A sweep that raises is logged, counted in `failures` (label: job) and runs
    again at its next time; a late one runs once, never twice at a time.
    """

    def __init__(
        self,
        store: Store,
        settings: SupervisionSettings,
        calendar: WorkCalendar,
        planner: Planner,
        now: Callable[[], datetime],
        failures: Counter,
        *,
        margin: Limit,
        hourly: Mapping[str, Sweep] | None = None,
    ) -> None:
        """`hourly`: further jobs by name, each safe to run in any number of processes."""
        self._settings = settings
        self._now = now
        self._failures = failures
        self._hourly = dict(hourly or {})
        self._running: set[asyncio.Task[None]] = set()
        self.sweeps = Sweeps(store, settings, calendar, planner, margin)
        self._scheduler = AsyncIOScheduler(
            timezone=LOCAL, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begin: every sweep runs once at once, then at its times."""
        settings, sweeps = self._settings, self.sweeps
        self._every(settings.lights_seconds, "lights", sweeps.lights)
        self._every(settings.suspensions_seconds, "suspensions", sweeps.suspensions)
        self._every(settings.escalation_seconds, "escalation", sweeps.escalation)
        self._every(settings.posts_seconds, "posts", sweeps.posts)
        self._every(settings.orders_seconds, "orders", sweeps.orders)
        self._every(settings.gaps_seconds, "gaps", sweeps.gaps)
        self._every(settings.calendar_seconds, "calendar", sweeps.deadlines)
        for at, name, sweep in (
            (settings.figures_at, "daily_figures", sweeps.daily_figures),
            (settings.purge_at, "purge", sweeps.purge),
        ):
            self._add(CronTrigger(hour=at.hour, minute=at.minute, timezone=LOCAL), name, sweep)
        for name, job in self._hourly.items():
            self._every(HOUR, name, job)
        self._scheduler.start()

    async def stop(self) -> None:
        """End: no sweep begins any more; those that run are waited for a while. Stopping again changes nothing."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=PATIENCE.total_seconds())
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # the scheduler ends itself in the loop's next turn

    def _every(self, seconds: int, name: str, sweep: Sweep) -> None:
        self._add(IntervalTrigger(seconds=seconds, timezone=LOCAL), name, sweep)

    def _add(
        self,
        trigger: IntervalTrigger | CronTrigger,
        name: str,
        sweep: Sweep,
    ) -> None:
        self._scheduler.add_job(self._run, trigger, args=(name, sweep), id=name, next_run_time=datetime.now(LOCAL))

    async def _run(self, name: str, sweep: Sweep) -> None:
        """One ring of the timer."""
        task = asyncio.current_task()
        assert task is not None, "the scheduler runs coroutines as tasks"
        self._running.add(task)
        try:
            await sweep(self._now())
        except Exception:
            self._failures.labels(name).inc()
            log.exception("job_failed", job=name)
        finally:
            self._running.discard(task)
