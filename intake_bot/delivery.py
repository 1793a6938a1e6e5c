"""Telling the outside: what stands in the outbox goes to the platforms and to our own people, at least once.

A timer in each process leases due rows; the lease keeps two processes from telling the same thing at the same time. What
each platform is told, in its own words, is the adapter's business; whom to wake is the supervision's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import apprise
import structlog

from adapters.report import Report
from intake_bot.house import House
from intake_bot.notice_wording import notice_text
from intake_bot.settings import DeliverySettings
from storage.outbox import Delivery as Row

log = structlog.get_logger()

PAUSE = 2.0
"""Seconds between two looks at an outbox that had nothing due."""
BATCH = 50
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)


class Failed(Exception):
    """A delivery that did not get through and is worth another try; the message says why."""


class Unrouted(Exception):
    """The address that is configured cannot be used; the delivery stays on record."""


class Delivery:
    """The delivering task of one process."""

    def __init__(self, house: House, settings: DeliverySettings) -> None:
        self._house = house
        self._settings = settings
        self._unit_of = {one.account: unit.code for unit in house.settings.router.units for one in unit.people}
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="delivery")

    async def stop(self) -> None:
        """Finish the delivery in hand, then stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_seconds)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not self._stopping.is_set():
                delivered = 0
                try:
                    delivered = await self.deliver_due(session)
                except Exception as error:
                    self._house.counters.job_failures.labels("delivery").inc()
                    log.error("delivery_round_failed", error=type(error).__name__)
                if delivered < BATCH:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), PAUSE)

    async def deliver_due(self, session: aiohttp.ClientSession) -> int:
        """Lease what is due and try each once; how many there were."""
        now = self._house.now()
        lease = timedelta(seconds=self._settings.timeout_seconds * (BATCH + 2))
        rows = await self._house.store.outbox.lease("", now, limit=BATCH, lease=lease)
        unrouted = [row for row in rows if not self._has_route(row)]
        if unrouted:
            # Most of a small deployment's notices: one transaction for all of them, not one for each.
            reason = "没有为该收件方配置地址（delivery）"
            await self._house.store.outbox.parked([row.id for row in unrouted], reason, self._house.now())
            self._house.counters.deliveries.labels("unrouted").inc(len(unrouted))
        for row in rows:
            if self._stopping.is_set():
                break
            if row not in unrouted:
                await self._deliver(session, row)
        return len(rows)

    def _has_route(self, row: Row) -> bool:
        """Whether anything is configured that could take a delivery."""
        kind, _, name = row.destination.partition(":")
        if kind == "channel":
            return name in self._house.channels and name in self._settings.platforms
        return bool(self._address_of(name))

    def _address_of(self, account: str) -> str:
        """Where a person's unit is told; empty where nowhere."""
        variable = self._settings.units.get(self._unit_of.get(account, ""), "")
        return os.environ.get(variable, "") if variable else ""

    async def _deliver(self, session: aiohttp.ClientSession, row: Row) -> None:
        outbox, counters = self._house.store.outbox, self._house.counters
        try:
            await self._send(session, row)
        except Unrouted as reason:
            await outbox.parked([row.id], str(reason), self._house.now())
            counters.deliveries.labels("unrouted").inc()
        except Failed as error:
            if row.attempts >= self._settings.attempts:
                await outbox.parked([row.id], str(error), self._house.now())
                counters.deliveries.labels("parked").inc()
                log.error("delivery_parked", ticket=row.ticket_no, destination=row.destination, error=str(error))
            else:
                await outbox.failed(row.id, str(error), self._next_try(row.attempts))
                counters.deliveries.labels("failed").inc()
        else:
            await outbox.delivered(row.id, self._house.now())
            counters.deliveries.labels("delivered").inc()

    def _next_try(self, attempts: int) -> datetime:
        """Twice as long after every failure, with some spread so that many do not come back at once."""
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempts - 1, 12))
        spread = random.uniform(0.8, 1.2)  # noqa: S311  (no secret depends on it)
        return self._house.now() + timedelta(seconds=delay.total_seconds() * spread)

    async def _send(self, session: aiohttp.ClientSession, row: Row) -> None:
        kind, _, name = row.destination.partition(":")
        if kind == "channel":
            await self._tell_platform(session, row, name)
        else:
            await self._tell_person(row, name)

    async def _tell_platform(self, session: aiohttp.ClientSession, row: Row, code: str) -> None:
        payload = self._house.channels[code].report(self._report(row))
        if payload is None:
            return
        await _post(session, self._settings.platforms[code], payload, row.idempotency_key)

    def _report(self, row: Row) -> Report:
        data = row.data
        text = data.get("reply") or data.get("reason") or data.get("department") or ""
        return Report(
            ticket_no=row.ticket_no,
            source_no=str(data.get("source_no", "")),
            source_version=int(data.get("source_version", 0)),
            action=row.about,
            at=row.created_at,
            unit_name=str(data.get("unit", "")) or self._house.settings.bureau.name,
            text=str(text),
        )

    async def _tell_person(self, row: Row, account: str) -> None:
        sender = apprise.Apprise()
        if not sender.add(self._address_of(account)):
            raise Unrouted(f"{self._unit_of[account]} 的通知地址无法识别，请检查 delivery.units 所指的环境变量")
        title, body = notice_text(row, self._house.router.person_name(account))
        if not await sender.async_notify(title=title, body=body):
            raise Failed("通知没有送达")


async def _post(session: aiohttp.ClientSession, address: str, payload: dict[str, Any], key: str) -> None:
    """Any 2xx is a receipt. Raises Failed for everything else."""
    try:
        async with session.post(
            address, json=payload, headers={"Idempotency-Key": key}, allow_redirects=False
        ) as answer:
            if not 200 <= answer.status < 300:
                raise Failed(f"平台回答 {answer.status}")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Failed(f"连接平台失败（{type(error).__name__}）") from None
