"""`/board/tickets`: the very tickets behind a figure or a light, as a page and, the same rows in the same order, as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote, urlencode

from aiohttp import web

from domain.complaint import KIND_NAMES, Kind
from domain.light import LIGHT_NAMES, Light
from domain.people import Actor
from domain.ticket import OPEN, STATUS_NAMES, Status
from intake_bot.api.filters import read_choice, read_filter, read_number, read_word
from intake_bot.api.problems import FieldError, bad_fields, not_found
from intake_bot.api.routes import actor_of, house_of
from intake_bot.assessment import group_names
from intake_bot.house import House
from intake_bot.pages.board_figures import days_in_words
from intake_bot.pages.board_query import Chosen, channel_names, read_chosen
from intake_bot.pages.rendering import page
from intake_bot.pages.times import LOCAL
from storage.figures import Dimension, Member, Slice
from storage.tickets import TicketFilter, TicketSummary
from supervision.figures import Metrics
from supervision.metrics import BY_CODE, Metric, MetricUnit

PAGE = 50
MOST_KEYS = 200
"""Groups whose members are listed together: more than a town has villages."""
_AT_ONCE = 500
"""Rows that a file is read by."""


class Part(StrEnum):
    """Which members of a rate: all (the denominator), those that count (the numerator), those that do not."""

    ALL = "all"
    HIT = "hit"
    MISS = "miss"


PART_NAMES: dict[Part, str] = {Part.ALL: "全部", Part.HIT: "计入分子", Part.MISS: "未计入分子"}
_RUNS = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
"""What a sheet takes for a formula, also behind blanks and, where Chinese is typed, in full width."""
_HITS: dict[Part, bool | None] = {Part.ALL: None, Part.HIT: True, Part.MISS: False}


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket in a list. `cells` are its columns as text, in the order of the list's headings."""

    ticket_no: str
    light: Light
    urgency: str
    can_be_pressed: bool
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tickets:
    """A list: what it is of, how many there are in all, its headings, one page of rows and the address of the next."""

    title: str
    about: str
    total: int
    headings: tuple[str, ...]
    rows: list[Row]
    next: str
    parts: tuple[tuple[str, int, str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class _Behind:
    """The members behind a figure, as the address names them."""

    metric: Metric
    chosen: Chosen
    wanted: Slice
    by: Dimension | None
    keys: tuple[str, ...]
    part: Part
    query: Mapping[str, str | Sequence[str]]


HEADINGS = (
    "工单编号",
    "灯色",
    "状态",
    "事项",
    "内容摘要",
    "主办单位",
    "网格",
    "经办人",
    "渠道",
    "类型",
    "受理时间",
    "办结期限",
)


async def show_tickets(request: web.Request) -> web.Response:
    """The list behind a figure (`metric=…`) or of what is unfinished now (`light=…`, `status=…`, `open=true`)."""
    house = house_of(request)
    behind = _read_behind(request, house)
    found = await (_figure_page(request, house, behind) if behind is not None else _present_page(request, house))
    query = urlencode([(name, value) for name, value in request.query.items() if name not in {"offset", "cursor"}])
    return page(
        request,
        "board/tickets.html",
        tickets=found,
        file=f"/board/tickets.csv?{query}",
        first_page=f"/board/tickets?{query}" if {"offset", "cursor"} & set(request.query) else "",
    )


async def tickets_file(request: web.Request) -> web.Response:
    """The whole list as CSV that Excel opens: the rows and columns of the page, all pages of it."""
    house = house_of(request)
    behind = _read_behind(request, house)
    written = io.StringIO()
    writer = csv.writer(written)
    if behind is not None:
        writer.writerow(_headings(behind.metric))
        rows = _all_behind(house, behind)
    else:
        writer.writerow(HEADINGS)
        rows = _all_present(house, _read_present(request, house, actor_of(request)))
    async for one in rows:
        writer.writerow([_harmless(cell) for cell in one.cells])
    title = f"{behind.metric.name}-{behind.chosen.first}至{behind.chosen.last}" if behind is not None else "在办工单"
    return web.Response(
        body=written.getvalue().encode("utf-8-sig"),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(title)}.csv",
        },
    )


def _harmless(cell: str) -> str:
    """What somebody typed must not run as a formula when a sheet is opened, nor what is folded to one."""
    return f"'{cell}" if _RUNS.match(cell) else cell


# what lies behind a figure


def _read_behind(request: web.Request, house: House) -> _Behind | None:
    code = read_word(request, "metric")
    if code is None:
        return None
    metric = BY_CODE.get(code)
    if metric is None:
        raise not_found(f"没有代码为“{code}”的指标")
    chosen = read_chosen(request, house)
    by, keys = read_choice(request, "group_by", Dimension), tuple(dict.fromkeys(request.query.getall("key", [])))
    if (by is None) is not (not keys) or any(len(key) > 64 or not key.isprintable() for key in keys):
        raise bad_fields([FieldError("key", "group_by 与 key 应同时填写")])
    if len(keys) > MOST_KEYS:
        raise bad_fields([FieldError("key", f"key 一次不超过 {MOST_KEYS} 个")])
    wanted = replace(
        chosen.slice,
        kind=read_choice(request, "kind", Kind),
        category=read_word(request, "category"),
        cell=read_word(request, "cell"),
        handler=read_word(request, "handler"),
    )
    query: dict[str, str | Sequence[str]] = {
        name: value for name, value in request.query.items() if name in {"category", "kind", "cell", "handler"}
    }
    if by is not None:
        query |= {"group_by": by, "key": keys}
    part = read_choice(request, "part", Part) or Part.ALL
    return _Behind(metric, chosen, wanted, by, keys, part, query)


def _metrics(house: House) -> Metrics:
    return Metrics(house.store.figures, house.calendar, house.settings.supervision.smallest_ranked)


async def _figure_page(request: web.Request, house: House, behind: _Behind) -> Tickets:
    offset = read_number(request, "offset", default=0, least=0, most=10_000_000)
    members = await _members(house, behind, offset, PAGE + 1)
    figure = await _metrics(house).compute(behind.metric, behind.wanted, house.now(), by=behind.by)
    values = [figure.total] if behind.by is None else [one.value for one in figure.groups if one.key in behind.keys]
    counts = {Part.ALL: sum(one.n for one in values), Part.HIT: sum(one.hits for one in values)}
    counts[Part.MISS] = counts[Part.ALL] - counts[Part.HIT]

    def address(part: Part, at: int = 0) -> str:
        further = {"offset": str(at)} if at else {}
        return behind.chosen.address(
            "/board/tickets", metric=behind.metric.code, **behind.query, part=part.value, **further
        )

    is_rate = behind.metric.unit is MetricUnit.RATE
    return Tickets(
        " · ".join((behind.metric.name, *_slice_words(house, behind))),
        behind.metric.formula,
        counts[behind.part],
        _headings(behind.metric),
        await _rows_behind(house, behind.metric, members[:PAGE]),
        address(behind.part, offset + PAGE) if len(members) > PAGE else "",
        tuple((PART_NAMES[part], counts[part], address(part), part is behind.part) for part in Part) if is_rate else (),
    )


def _headings(metric: Metric) -> tuple[str, ...]:
    first, *rest = HEADINGS
    return (first, "派单", "计入时间", *(("计入分子",) if metric.unit is MetricUnit.RATE else ()), *rest)


def _slice_words(house: House, behind: _Behind) -> list[str]:
    """What the list is narrowed to."""
    names, chosen, wanted = group_names(house.settings, house.router, house.tree), behind.chosen, behind.wanted
    named: list[tuple[Dimension, str | None]] = [
        (Dimension.CHANNEL, chosen.channel),
        (Dimension.BRIGADE, chosen.unit),
        (Dimension.KIND, wanted.kind),
        (Dimension.CATEGORY, wanted.category),
        (Dimension.CELL, wanted.cell),
        (Dimension.HANDLER, wanted.handler),
    ]
    words = [names(dimension, key) for dimension, key in named if key]
    if behind.by is not None:
        words.append("、".join(dict.fromkeys(names(behind.by, key) for key in behind.keys)))
    return [*words, days_in_words(chosen.slice)]


async def _members(house: House, behind: _Behind, offset: int, limit: int) -> list[Member]:
    """Members of all the keys together, oldest first."""
    group = (behind.by, behind.keys) if behind.by is not None else None
    return await _metrics(house).members(
        behind.metric, behind.wanted, house.now(), group=group, hit=_HITS[behind.part], offset=offset, limit=limit
    )


async def _all_behind(house: House, behind: _Behind) -> AsyncIterator[Row]:
    offset = 0
    while members := await _members(house, behind, offset, _AT_ONCE):
        for row in await _rows_behind(house, behind.metric, members):
            yield row
        offset += _AT_ONCE


async def _rows_behind(house: House, metric: Metric, members: Sequence[Member]) -> list[Row]:
    numbers = list({one.ticket_no for one in members})
    summaries = {one.ticket_no: one for one in await house.store.tickets.summaries(numbers)}
    rows = []
    for one in members:
        row = _row(house, summaries[one.ticket_no])
        first, *rest = row.cells
        hit = ("是" if one.hit else "否",) if metric.unit is MetricUnit.RATE else ()
        share = f"第 {one.position} 号" if one.position else ""
        moment = f"{one.at.astimezone(LOCAL):%Y-%m-%d %H:%M}"
        rows.append(replace(row, cells=(first, share, moment, *hit, *rest)))
    return rows


# what is unfinished now


def _read_present(request: web.Request, house: House, actor: Actor) -> TicketFilter:
    """The unfinished tickets that the address asks for. Its channel and unit must be known ones."""
    read_chosen(request, house)
    return replace(read_filter(request, actor), open_only=True)


async def _present_page(request: web.Request, house: House) -> Tickets:
    wanted = _read_present(request, house, actor_of(request))
    try:
        found = await house.store.tickets.page(wanted, cursor=read_word(request, "cursor", longest=400), limit=PAGE)
    except ValueError:
        raise bad_fields([FieldError("cursor", "翻页位置无效，请从第一页重新打开")]) from None
    counts = await house.store.tickets.light_counts(wanted)
    query = [(name, value) for name, value in request.query.items() if name != "cursor"]
    following = urlencode([*query, ("cursor", found.next_cursor)]) if found.next_cursor else ""
    return Tickets(
        _present_title(house, wanted),
        "目前未办结的工单；一件工单有几个时限的，灯色取最急的一个；按单位查看时含该单位协办的",
        sum(counts.values()),
        HEADINGS,
        [_row(house, one) for one in found.items],
        f"/board/tickets?{following}" if following else "",
    )


def _present_title(house: House, wanted: TicketFilter) -> str:
    words = [f"{LIGHT_NAMES[wanted.light]}工单" if wanted.light is not None else "在办工单"]
    words += [STATUS_NAMES[one] for one in wanted.statuses]
    if wanted.unit is not None:
        words.append(house.router.unit_name(wanted.unit))
    if wanted.channel is not None:
        words.append(channel_names(house)[wanted.channel])
    return " · ".join(words)


async def _all_present(house: House, wanted: TicketFilter) -> AsyncIterator[Row]:
    cursor: str | None = None
    while True:
        found = await house.store.tickets.page(wanted, cursor=cursor, limit=_AT_ONCE)
        for one in found.items:
            yield _row(house, one)
        cursor = found.next_cursor
        if cursor is None:
            return


def _row(house: House, one: TicketSummary) -> Row:
    router, light, status = house.router, Light(one.light), Status(one.status)
    due = f"{one.due_inner.astimezone(LOCAL):%Y-%m-%d %H:%M}" if one.due_inner is not None else ""
    outside = router.department(one.refer_to) if one.refer_to else None
    unit = outside.name if outside is not None else router.unit_name(one.brigade) if one.brigade else ""
    return Row(
        one.ticket_no,
        light,
        one.urgency,
        status in OPEN,
        (
            one.ticket_no,
            LIGHT_NAMES[light],
            STATUS_NAMES[status],
            one.category_name,
            one.excerpt,
            unit,
            router.cell_name(one.cell) if one.cell else "",
            router.person_name(one.handler) if one.handler else "",
            channel_names(house).get(one.channel, one.channel),
            KIND_NAMES[Kind(one.kind)],
            f"{one.created_at.astimezone(LOCAL):%Y-%m-%d %H:%M}",
            due,
        ),
    )
