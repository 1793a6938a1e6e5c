"""What is kept of one person: handed out when they ask, erased when they ask or when it has been kept long enough.

A person is known by the phone number that they left. Not: what is erased of a ticket (`domain.erasure`, `storage.erasing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from domain.administration import Deed
from domain.erasure import Cause, erase
from domain.lifecycle import NotAllowed
from domain.people import SYSTEM, Actor
from domain.privacy import masked_phone
from domain.ticket import STATUS_NAMES, Ticket
from domain.worktime import local
from intake_bot.event_names import EVENTS
from intake_bot.privacy_settings import PrivacySettings
from router.sameness import keys
from storage.store import Store

log = structlog.get_logger()

AT_ONCE = 200
"""Tickets that one round of the hourly job erases: the service goes on beside it."""


async def export_person(store: Store, phone: str, actor: Actor, now: datetime) -> list[Mapping[str, Any]]:
    """Everything that a person told us and that was done about it, ticket by ticket, as JSON can hold it. On record."""
    numbers = await store.erasing.of_number(phone)
    found = [await _told(store, ticket) for ticket in await store.tickets.several(numbers)]
    await store.account_events.add(actor, Deed.PERSON_EXPORTED, masked_phone(phone), now, {"tickets": len(found)})
    return found


async def erase_person(store: Store, phone: str, actor: Actor, now: datetime) -> tuple[list[str], list[str]]:
    """Erase the finished tickets of a person, and the dialogues that they came from: (numbers erased, why others were not)."""
    erased, refused = [], []
    for no in await store.erasing.of_number(phone):
        try:
            ticket = await _erase(store, no, "request", actor, now)
        except NotAllowed as error:
            refused.append(str(error))
            continue
        erased.append(no)
        await store.conversations.erase(ticket.complaint.source_no.rpartition("-")[0])
    done = {"erased": len(erased), "refused": len(refused)}
    await store.account_events.add(actor, Deed.PERSON_ERASED, masked_phone(phone), now, done)
    return erased, refused


async def erase_old(store: Store, settings: PrivacySettings, now: datetime) -> int:
    """Erase some of the tickets that were over long enough ago; how many. Nothing where they are kept for ever."""
    if not settings.keep_finished_days:
        return 0
    before, erased = now - timedelta(days=settings.keep_finished_days), 0
    for no in await store.erasing.over_since(before, AT_ONCE):
        try:
            await _erase(store, no, "retention", SYSTEM, now)
        except NotAllowed as error:
            log.info("not_erased", ticket=no, reason=str(error))
            continue
        erased += 1
    if erased:
        log.info("personal_data_erased", count=erased)
    return erased


async def _erase(store: Store, no: str, cause: Cause, actor: Actor, now: datetime) -> Ticket:
    return await store.erasing.erase(no, lambda ticket: erase(ticket, cause, actor, now), keys)


async def _told(store: Store, ticket: Ticket) -> Mapping[str, Any]:
    complaint, reporter = ticket.complaint, ticket.complaint.reporter
    return {
        "工单编号": ticket.no,
        "渠道": complaint.channel,
        "来件编号": complaint.source_no,
        "反映时间": f"{local(complaint.reported_at):%Y-%m-%d %H:%M}",
        "姓名": reporter.name,
        "电话": reporter.phone or reporter.contact,
        "标题": complaint.title,
        "内容": complaint.content,
        "地点": complaint.place.address,
        "被反映对象": complaint.party,
        "诉求目的": complaint.appeal,
        "事项": ticket.category_name,
        "状态": STATUS_NAMES[ticket.status],
        "办理结果": [one.result for one in ticket.assignments if one.result],
        "是否解决": ticket.solved,
        "满意度": ticket.satisfaction,
        "经过": [
            {"时间": f"{local(one.event.at):%Y-%m-%d %H:%M}", "事项": EVENTS.get(one.event.action, one.event.action)}
            for one in await store.tickets.events(ticket.no)
        ],
    }
