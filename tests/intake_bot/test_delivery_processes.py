"""Two processes deliver from one database and a third is killed in the middle: everything arrives, each under its own key."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import town
from aiohttp import web
from aiohttp.test_utils import TestServer
from parts import drafted, take
from sealing_keys import KEYRING
from timer_processes import TimerProcess

from domain.outcome import Notice
from intake_bot.delivery import BATCH
from storage.store import Store

NUMBER = 3 * BATCH
NOW = town.MONDAY + timedelta(days=1)
AFTER_THE_LEASE = NOW + timedelta(hours=1)


async def test_what_a_killed_process_had_in_hand_is_delivered_by_the_others(
    database_url: str, environment: pytest.MonkeyPatch
) -> None:
    store = await Store.open(database_url, KEYRING)
    told: list[str] = []
    arrived = asyncio.Event()

    async def feedback(request: web.Request) -> web.Response:
        told.append(request.headers["Idempotency-Key"])
        if len(told) == BATCH // 2:
            arrived.set()
            await asyncio.sleep(60)  # the one that is in the middle of this gets no answer any more
        return web.Response()

    app = web.Application()
    app.router.add_post("/feedback", feedback)
    async with TestServer(app) as server:
        notice = Notice("channel:12345", "accepted", {"source_no": "S"})
        await take(store, *(replace(drafted(f"S{number}"), notices=(notice,)) for number in range(NUMBER)))
        address = str(server.make_url("/feedback"))
        victim, *others = [await TimerProcess.start("delivering_process.py", database_url, address) for _ in range(3)]
        victim.begin(NOW)
        await arrived.wait()
        victim.process.kill()
        assert await victim.process.wait() != 0
        in_hand = told[-1]
        for moment in (NOW, AFTER_THE_LEASE):
            for one in others:
                one.begin(moment)
            assert [await one.answer() for one in others] == ["done", "done"]
            if moment is NOW:
                assert len(set(told)) < NUMBER, "what the killed one had leased waits for the end of the lease"
        assert [await one.end() for one in others] == [0, 0]
        counts = await store.outbox.counts()
        await store.close()
    assert (counts["waiting"], counts["delivered"], counts["parked"]) == (0, NUMBER, 0)
    assert len(set(told)) == NUMBER, "nothing is missed"
    assert {key: times for key, times in Counter(told).items() if times > 1} == {in_hand: 2}, (
        "nothing twice but what nobody could know to have arrived, and that under the same key"
    )
