"""`/board/exchange`: where platforms' lists and ours disagree until it is settled, and how what we report would be scored.

Comparing is `reconciling`, scoring `platform_scores`; what settles a difference is sent to `/api/v1/reconciliation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from adapters.listing import STANDING_NAMES
from adapters.report import SHORTCOMING_NAMES, Shortcoming
from domain.worktime import local
from intake_bot.api.filters import read_choice, read_flag, read_number, read_word
from intake_bot.api.problems import FieldError, bad_fields, not_found
from intake_bot.api.reconciliation import KIND_NAMES, ChannelView, channel_views
from intake_bot.api.routes import house_of
from intake_bot.event_names import EVENTS
from intake_bot.house import House
from intake_bot.pages.board_words import percent
from intake_bot.pages.rendering import page
from intake_bot.platform_scores import (
    MARKS,
    PART_NAMES,
    PART_RULES,
    Judged,
    PlatformScore,
    judged_reports,
    month_span,
    score_of,
)
from storage.reconciliation import StoredDifference

PATH = "/board/exchange"
REPORTS = f"{PATH}/reports"
PAGE = 50
MONTHS = 13
"""Months that can be chosen from: this one and a year before it."""
KEPT = timedelta(minutes=5)
"""For so long a month's scores are shown again: they are read off every report of the month."""
DEFINITION = (
    "每天夜里按编号和状态核对平台台账与本系统：平台有而我方没有的，照常补收；我方有而平台没有的、两边状态不同的、读不出的，"
    "列在这里，直到两边一致，或由督办人员处理并说明。还在回传途中的不算。"
)
SCORE_DEFINITION = (
    "按省级平台考核各地数据质量的口径自评，满分 30 分：数据完整 10、内容完整 10、数据及时 5、接口稳定 5。"
)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a month, as they were at `at`."""

    at: datetime
    channels: tuple[PlatformScore, ...]


SCORES: web.AppKey[dict[str, Scores]] = web.AppKey("scores", dict)
"""By month; of this process."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What stands on the board: differences that wait, by channel, and this month's scores."""

    compared: tuple[ChannelView, ...]
    scores: Scores

    @property
    def waiting(self) -> int:
        return sum(one.open for one in self.compared)

    @property
    def set_up(self) -> bool:
        return bool(self.compared or self.scores.channels)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report, in words; `good` in the part that is looked at."""

    ticket_no: str
    step: str
    at: datetime
    delivered_at: datetime | None
    attempts: int
    shortcomings: tuple[str, ...]
    good: bool


async def exchange_of(request: web.Request) -> Exchange:
    """For the board and the administrator."""
    house = house_of(request)
    return Exchange(await channel_views(house), await scores_of(request, f"{local(house.now()):%Y-%m}"))


async def scores_of(request: web.Request, month: str) -> Scores:
    """The scores of every platform that is reported to, at most KEPT old."""
    house, kept, now = house_of(request), request.app[SCORES], house_of(request).now()
    known = kept.get(month)
    if known is None or not now - KEPT < known.at <= now:
        codes = [code for code in house.settings.delivery.platforms if code in house.channels]
        known = Scores(now, tuple([await score_of(house, house.channels[code], month) for code in codes]))
        if len(kept) >= MONTHS:
            kept.clear()
        kept[month] = known
    return known


async def show_exchange(request: web.Request) -> web.Response:
    """Both lists. `channel` and `settled` choose the differences, `before` the next page, `month` the scores."""
    house = house_of(request)
    channel, settled = _read_channel(request, house), read_flag(request, "settled")
    before = read_number(request, "before", default=0, least=0, most=10**9)
    month = _read_month(request, house)
    found = await house.store.reconciliation.differences(
        channel=channel, settled=settled, before=before or None, limit=PAGE + 1
    )
    compared = await channel_views(house)

    def address(at: str = "differences", **changed: str) -> str:
        query = {
            "channel": channel or "",
            "settled": "true" if settled else "",
            "month": request.query.get("month", ""),
        }
        kept = {name: value for name, value in (query | changed).items() if value}
        return f"{PATH}{'?' if kept else ''}{urlencode(kept)}#{at}"

    return page(
        request,
        "board/exchange.html",
        compared=compared,
        waiting=sum(one.open for one in compared),
        rows=[_in_words(house, one) for one in found[:PAGE]],
        next=address(before=str(found[PAGE - 1].id)) if len(found) > PAGE else "",
        channel=channel,
        settled=settled,
        address=address,
        definition=DEFINITION,
        month=month,
        months=_months(house),
        scores=await scores_of(request, month),
        score_definition=SCORE_DEFINITION,
        rules=PART_RULES,
        percent=percent,
        reports_address=reports_address,
    )


async def show_reports(request: web.Request) -> web.Response:
    """The reports behind a figure of the score: all, those that a part counts as good or not, those with a shortcoming."""
    house = house_of(request)
    code = _read_channel(request, house)
    if code is None:
        raise not_found("请写明渠道（channel）")
    month, part = _read_month(request, house), read_word(request, "part")
    if part is not None and part not in MARKS:
        raise bad_fields([FieldError("part", f"没有“{part[:20]}”这一项，可用：{'、'.join(MARKS)}")])
    fault = read_choice(request, "fault", Shortcoming)
    good = read_flag(request, "good") if "good" in request.query else None
    offset = read_number(request, "offset", default=0, least=0, most=10_000_000)
    judged = await judged_reports(house, house.channels[code], month)
    wanted = [one for one in judged if fault is None or fault in one.shortcomings]
    hits = [one for one in wanted if part is not None and part in one.good]
    counts = {None: len(wanted), True: len(hits), False: len(wanted) - len(hits)}
    listed = wanted if part is None or good is None else [one for one in wanted if (part in one.good) is good]
    rows = listed[::-1][offset : offset + PAGE]
    named = [house.channels[code].settings.name, month]
    if part is not None:
        named.append(PART_NAMES[part])
    if fault is not None:
        named.append(SHORTCOMING_NAMES[fault])
    more: dict[str, Any] = {"part": part, "fault": fault}
    return page(
        request,
        "board/exchange_reports.html",
        title=" · ".join(["回传", *named]),
        rule=PART_RULES[part] if part is not None else "",
        choices=[
            (words, counts[which], reports_address(code, month, **more, good=which), which is good)
            for words, which in (("全部", None), ("计入分子", True), ("未计入分子", False))
        ]
        if part is not None
        else [],
        total=len(listed),
        rows=[_report(one, part) for one in rows],
        judged=part is not None,
        next=reports_address(code, month, **more, good=good, offset=offset + PAGE)
        if len(listed) > offset + PAGE
        else "",
        back=f"{PATH}?month={month}#score",
    )


def reports_address(
    channel: str,
    month: str,
    part: str | None = None,
    fault: str | None = None,
    good: bool | None = None,
    offset: int = 0,
) -> str:
    """Where the reports behind a figure are listed."""
    query: Mapping[str, str | None] = {
        "channel": channel,
        "month": month,
        "part": part,
        "fault": fault,
        "good": None if good is None else str(good).lower(),
        "offset": str(offset) if offset else None,
    }
    return f"{REPORTS}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def _read_channel(request: web.Request, house: House) -> str | None:
    code = read_word(request, "channel")
    if code is not None and code not in house.channels:
        raise bad_fields([FieldError("channel", f"没有渠道“{code[:20]}”，可用：{'、'.join(house.channels)}")])
    return code


def _read_month(request: web.Request, house: House) -> str:
    month = read_word(request, "month") or f"{local(house.now()):%Y-%m}"
    try:
        month_span(month)
    except ValueError as error:
        raise bad_fields([FieldError("month", str(error))]) from None
    return month


def _months(house: House) -> Sequence[str]:
    day = local(house.now()).date().replace(day=1)
    found = []
    for _ in range(MONTHS):
        found.append(f"{day:%Y-%m}")
        day = (day - timedelta(days=1)).replace(day=1)
    return found


def _in_words(house: House, one: StoredDifference) -> StoredDifference:
    """A difference as people read it: names in place of codes and accounts."""
    known = house.channels.get(one.channel)
    return replace(
        one,
        channel=known.settings.name if known is not None else one.channel,
        kind=KIND_NAMES[one.kind],
        theirs=_standing(one.theirs),
        ours=_standing(one.ours),
        settled_by=house.router.person_name(one.settled_by) if one.settled_by else "",
    )


def _standing(code: str) -> str:
    """Our word for a state; the platform's own code where we know none."""
    return {str(one): name for one, name in STANDING_NAMES.items()}.get(code, code) or "没有"


def _report(one: Judged, part: str | None) -> ReportRow:
    delivery = one.told.delivery
    return ReportRow(
        delivery.ticket_no,
        EVENTS.get(delivery.about, delivery.about),
        delivery.created_at,
        one.told.delivered_at,
        delivery.attempts,
        tuple(SHORTCOMING_NAMES[found] for found in one.shortcomings),
        part is not None and part in one.good,
    )
