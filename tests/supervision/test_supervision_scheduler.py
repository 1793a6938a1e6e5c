"""The timer itself: it begins at once, goes on after a failure, and stops without leaving anything behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
import town
from parts import taken
from prometheus_client import CollectorRegistry, Counter

from domain.light import Light
from domain.limit import Limit
from domain.worktime import WorkCalendar
from storage.store import Store
from supervision.scheduler import Supervisor
from supervision.settings import SupervisionSettings


class Moving:
    """A time that a test moves by hand."""

    def __init__(self) -> None:
        self.now = town.MONDAY

    def __call__(self) -> datetime:
        return self.now


Made = Callable[[Store], Supervisor]


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
def failures() -> Counter:
    return Counter("job_failures", "", ["job"], registry=CollectorRegistry())


@pytest.fixture
async def make(moving: Moving, failures: Counter) -> AsyncIterator[Made]:
    settings = SupervisionSettings(lights_seconds=1, escalation_seconds=1, gaps_seconds=1)
    made: list[Supervisor] = []

    def one(store: Store) -> Supervisor:
        made.append(
            Supervisor(
                store, settings, WorkCalendar(), town.PLANNER, moving, failures, margin=Limit.parse("1 working_days")
            )
        )
        return made[-1]

    yield one
    for supervisor in made:
        await supervisor.stop()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that the timers do."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if found if not asyncio.iscoroutine(found) else await found:
                return
            await asyncio.sleep(0.02)


async def test_it_sweeps_at_once_and_again(store: Store, make: Made, moving: Moving) -> None:
    ticket = await taken(store, "S1", town.SMELL)

    async def shows(light: Light) -> bool:
        found = await store.tickets.get(ticket.no)
        return found is not None and found.light is light

    async def opened() -> bool:
        found = await store.tickets.get(ticket.no)
        return found is not None and len(found.gaps) == 1

    make(store).start()
    moving.now += timedelta(days=60)
    await until(lambda: shows(Light.RED))
    await until(opened)


async def test_a_failure_is_counted_and_the_next_round_comes(store: Store, make: Made, failures: Counter) -> None:
    supervisor = make(store)
    rounds = []

    async def broken(_now: datetime) -> int:
        rounds.append(1)
        raise RuntimeError("one bad round")

    supervisor.sweeps.lights = broken  # type: ignore[method-assign]
    supervisor.start()
    await until(lambda: len(rounds) >= 2)
    assert failures.labels("lights")._value.get() >= 2
    assert failures.labels("gaps")._value.get() == 0


async def test_it_stops_after_what_is_running(store: Store, make: Made) -> None:
    supervisor = make(store)
    begun, finished = asyncio.Event(), asyncio.Event()

    async def slow(_now: datetime) -> int:
        begun.set()
        await asyncio.sleep(0.3)
        finished.set()
        return 0

    supervisor.sweeps.lights = slow  # type: ignore[method-assign]
    supervisor.start()
    await begun.wait()
    await supervisor.stop()
    assert finished.is_set()
    begun.clear()
    await asyncio.sleep(1.2)
    assert not begun.is_set()
