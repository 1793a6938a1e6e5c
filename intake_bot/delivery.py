"""Telling the outside: what stands in the outbox goes to the platforms and to our own people, at least once.

A timer in each process leases due rows; the lease keeps two processes from telling the same thing at the same time. What
each platform is told, in its own words, is the adapter's business; whom to wake is the supervision's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import apprise
import structlog
from apprise.attachment.memory import AttachMemory

from adapters.report import SHORTCOMING_NAMES
from adapters.signature import signed_headers
from domain.complaint import WECHAT
from intake_bot.conversation.state import WECHAT_CONTACT
from intake_bot.house import House
from intake_bot.notice_wording import notice_text
from intake_bot.outgoing import beginning, why
from intake_bot.platform_answers import note_shortcomings, take_message, take_refusal
from intake_bot.reporting_back import report_of
from intake_bot.settings import DeliverySettings
from intake_bot.task_cards import actor_of_account, notice_card
from intake_bot.wechat_calls import WechatRefused
from storage.outbox import Delivery as Row
from supervision.reports.schedule import MEDIA_TYPES, REPORT
from supervision.reports.settings import ReportFormat

log = structlog.get_logger()

PAUSE = 2.0
"""Seconds between two looks at an outbox that had nothing due."""
BATCH = 50
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
_ANSWERED = frozenset({*range(200, 300), 400, 422})
"""Statuses under which a body may say that a report is not taken; others are failures of the way there."""
_LONGEST_ANSWER = 65_536


class Failed(Exception):
    """A delivery that did not get through and is worth another try; the message says why."""


class Unreachable(Failed):
    """Nobody answered at all."""


class Unrouted(Exception):
    """The address that is configured cannot be used; the delivery stays on record."""


class Refused(Exception):
    """The platform read the report and does not take it: sending the same again is no use."""


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
        async with self._house.outgoing.session(timeout) as session:
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
        waiting: dict[str, list[Row]] = {}
        for row in rows:
            if row not in unrouted:
                waiting.setdefault(row.destination, []).append(row)
        await asyncio.gather(*(self._deliver_in_order(session, group) for group in waiting.values()))
        return len(rows)

    async def _deliver_in_order(self, session: aiohttp.ClientSession, rows: list[Row]) -> None:
        """What one destination is told, the oldest first. One that is out of reach keeps nobody else waiting, nor is it
        tried again for each of the others."""
        unreachable: Unreachable | None = None
        for row in rows:
            if self._stopping.is_set():
                return
            if unreachable is None:
                unreachable = await self._deliver(session, row)
            else:
                await self._not_delivered(row, unreachable)

    def _has_route(self, row: Row) -> bool:
        """Whether anything is configured that could take a delivery."""
        kind, _, name = row.destination.partition(":")
        if kind == "channel" and name == WECHAT:
            return self._house.wechat is not None and self._house.wechat.can_call
        if kind == "channel":
            return name in self._house.channels and name in self._settings.platforms
        if kind == "webhook":
            return bool(self._webhook_secret(name))
        return self._in_wecom(row, name) or bool(self._address_of(name))

    def _in_wecom(self, row: Row, account: str) -> bool:
        """Whether a notice goes to somebody's 企业微信: every one does, but a report, whose files a card cannot take along."""
        wecom = self._house.wecom
        if wecom is None or not wecom.can_call or not wecom.user_of(account):
            return False
        return row.about != REPORT or not self._address_of(account)

    def _webhook_secret(self, name: str) -> str:
        """The secret of a webhook; empty where there is no such webhook any more, or no secret."""
        webhook = self._house.settings.webhooks.get(name)
        return os.environ.get(webhook.secret_env, "") if webhook is not None else ""

    def _address_of(self, account: str) -> str:
        """Where a person is told, else where their unit is; empty where nowhere."""
        variable = self._variable_of(account)
        return os.environ.get(variable, "") if variable else ""

    def _variable_of(self, account: str) -> str:
        return self._settings.people.get(account) or self._settings.units.get(self._unit_of.get(account, ""), "")

    async def _deliver(self, session: aiohttp.ClientSession, row: Row) -> Unreachable | None:
        """Try once and settle the row; what kept us from reaching the destination, if that was it."""
        outbox, counters = self._house.store.outbox, self._house.counters
        try:
            await self._send(session, row)
        except Unrouted as reason:
            await outbox.parked([row.id], str(reason), self._house.now())
            counters.deliveries.labels("unrouted").inc()
        except Refused as reason:
            await outbox.parked([row.id], str(reason), self._house.now())
            counters.deliveries.labels("refused").inc()
            log.error("report_refused", ticket=row.ticket_no, destination=row.destination)
        except Failed as error:
            await self._not_delivered(row, error)
            return error if isinstance(error, Unreachable) else None
        else:
            await outbox.delivered(row.id, self._house.now())
            counters.deliveries.labels("delivered").inc()
        return None

    async def _not_delivered(self, row: Row, error: Failed) -> None:
        outbox, counters = self._house.store.outbox, self._house.counters
        if row.attempts >= self._settings.attempts:
            await outbox.parked([row.id], str(error), self._house.now())
            counters.deliveries.labels("parked").inc()
            log.error("delivery_parked", ticket=row.ticket_no, destination=row.destination, error=str(error))
        else:
            await outbox.failed(row.id, str(error), self._next_try(row.attempts))
            counters.deliveries.labels("failed").inc()

    def _next_try(self, attempts: int) -> datetime:
        """Twice as long after every failure, with some spread so that many do not come back at once."""
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempts - 1, 12))
        spread = random.uniform(0.8, 1.2)  # noqa: S311  (no secret depends on it)
        return self._house.now() + timedelta(seconds=delay.total_seconds() * spread)

    async def _send(self, session: aiohttp.ClientSession, row: Row) -> None:
        kind, _, name = row.destination.partition(":")
        if kind == "channel" and name == WECHAT:
            await self._tell_person_in_wechat(row)
        elif kind == "channel":
            await self._tell_platform(session, row, name)
        elif kind == "webhook":
            await self._tell_webhook(session, row, name)
        elif self._in_wecom(row, name):
            await self._tell_person_in_wecom(row, name)
        else:
            await self._tell_person(row, name)

    async def _tell_platform(self, session: aiohttp.ClientSession, row: Row, code: str) -> None:
        """One step in the platform's words. What it answers, if it says more than a receipt, is carried into the ticket."""
        house, channel = self._house, self._house.channels[code]
        ticket = await house.store.tickets.get(row.ticket_no)
        report = report_of(house, row, ticket)
        payload = channel.report(report)
        if payload is None:
            return
        found = channel.shortcomings(report, ticket.due_outer if ticket is not None else None)
        if found and row.attempts <= 1:
            names = [SHORTCOMING_NAMES[one] for one in found]
            await note_shortcomings(house, row.ticket_no, row.about, names, row.idempotency_key, house.now())
        address, secret = self._settings.platforms[code], house.secrets.get(code, "")
        status, body = await _post(session, address, payload, row.idempotency_key, secret)
        if status in _ANSWERED and (reason := channel.refusal(body)):
            await take_refusal(house, channel, row.ticket_no, row.about, reason, row.idempotency_key, house.now())
            raise Refused(f"平台没有接收：{reason}")
        if not 200 <= status < 300:
            raise Failed(f"平台回答 {status}")
        if (message := channel.answered(body, row.idempotency_key)) is not None:
            await take_message(house, channel, row.ticket_no, message, house.now())

    async def _tell_webhook(self, session: aiohttp.ClientSession, row: Row, name: str) -> None:
        """One event as it is; its sequence number is the idempotency key."""
        address, secret = self._house.settings.webhooks[name].url, self._webhook_secret(name)
        status, _ = await _post(session, address, dict(row.data), str(row.data["sequence"]), secret)
        if not 200 <= status < 300:
            raise Failed(f"接收方回答 {status}")

    async def _tell_person_in_wechat(self, row: Row) -> None:
        """Tell whoever wrote to the official account how it goes on, unless they wished to stay unknown."""
        ticket = await self._house.store.tickets.get(row.ticket_no)
        contact = ticket.complaint.reporter.contact if ticket is not None else ""
        if ticket is None or not contact.startswith(WECHAT_CONTACT) or self._house.wechat is None:
            return
        open_id = contact.removeprefix(WECHAT_CONTACT)
        try:
            report = report_of(self._house, row, ticket)
            await self._house.wechat.tell_progress(open_id, report, ticket.category_name, self._house.now())
        except WechatRefused as refused:
            raise (Unrouted if refused.final else Failed)(str(refused)) from None

    async def _tell_person_in_wecom(self, row: Row, account: str) -> None:
        """A card of the task as it stands now. A repeated try is another card: WeCom takes each task number once."""
        house, wecom = self._house, self._house.wecom
        assert wecom is not None
        ticket = await house.store.tickets.get(row.ticket_no) if row.ticket_no else None
        card = notice_card(house, row, ticket, await actor_of_account(house, account))
        task_id = f"{row.idempotency_key}@{row.attempts}"
        try:
            await wecom.send(card, wecom.user_of(account), task_id, house.now())
        except WechatRefused as refused:
            raise (Unrouted if refused.final else Failed)(str(refused)) from None

    async def _tell_person(self, row: Row, account: str) -> None:
        sender = apprise.Apprise()
        if not sender.add(self._address_of(account)):
            raise Unrouted(f"环境变量 {self._variable_of(account)} 中的通知地址无法识别，请检查 delivery 的配置")
        title, body = notice_text(row, self._house.router.person_name(account))
        files = await self._files(row)
        if not await sender.async_notify(title=title, body=body, attach=files or None):
            raise Failed("通知没有送达")

    async def _files(self, row: Row) -> list[AttachMemory]:
        """The kept reports that a notice is about. A group chat's robot, which takes no files, leaves them out."""
        found = []
        for one in row.data.get("files", ()):
            kept = await self._house.store.assessments.report(one["period"], one["first_day"], one["format"])
            if kept is not None:
                media_type = MEDIA_TYPES[ReportFormat(kept.format)]
                found.append(AttachMemory(kept.content, one["name"], media_type))  # type: ignore[no-untyped-call]
        return found


async def _post(
    session: aiohttp.ClientSession, address: str, payload: dict[str, Any], key: str, secret: str
) -> tuple[int, bytes]:
    """The platform's status and the beginning of its body. Signed as the channel signs to us, where it has a secret.

    Raises Unreachable where there is no answer.
    """
    content = json.dumps(payload, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if secret:
        headers |= signed_headers(secret, content)
    try:
        async with session.post(address, data=content, headers=headers, allow_redirects=False) as answer:
            return answer.status, await beginning(answer, _LONGEST_ANSWER)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(f"连接平台失败（{why(error)}）") from None
