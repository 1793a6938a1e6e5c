"""The figures of the board, computed once for a page: tiles, response times, trend, shares, cells, ranking, hot spots.

Every figure comes from `supervision.figures` and carries the address of the tickets behind it. Not: how it looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.worktime import local
from intake_bot.assessment import group_names
from intake_bot.house import House
from intake_bot.pages.board_query import Chosen, Step, buckets, dimension_of
from intake_bot.pages.board_words import Change, change_of, count_change, hours, minutes, percent, value_words
from storage.figures import Dimension, Slice
from supervision.figures import Comparison, Figure, Metrics, Value, earlier
from supervision.hot_spots import HotSpots, find_hot_spots
from supervision.metrics import BY_CODE, METRICS, Better, Metric, MetricUnit

LIST = "/board/tickets"
TILES = ("received", "time_to_resolve", "resolved_in_time", "satisfied", "solved", "returned", "red_lights", "pressed")
RANKED_BY = (
    "resolved_in_time",
    "accepted_in_time",
    "contacted_in_time",
    "satisfied",
    "solved",
    "returned",
    "reworked",
    "red_lights",
)
"""The metrics by which units and handlers can be ranked, and the columns of the ranking."""
RESPONSES = (
    ("签收", "time_to_accept", "accepted_in_time"),
    ("联系诉求人", "time_to_contact", "contacted_in_time"),
    ("办结", "time_to_resolve", "resolved_in_time"),
)
MOST_CATEGORIES = 10
_COUNTED_AS = {"time_to_resolve": "办结量"}
"""Where a tile shows how many a time was taken of, not the time."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its definition, what it was before and the tickets behind it."""

    metric: Metric
    name: str
    words: str
    value: Value
    before: Change
    last_year: Change
    address: str


@dataclass(frozen=True, slots=True)
class Response:
    """How long one step took and how often it was in time."""

    name: str
    time: Metric
    rate: Metric
    taken: Value
    in_time: Value
    median: str
    ninetieth: str
    natural: str
    rate_words: str
    before: Change
    last_year: Change
    taken_address: str
    rate_address: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One group's share of the whole; `width` in percent of the longest."""

    name: str
    count: int
    share: str
    width: float
    address: str
    before: Change


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of the trend. The addresses are empty where a step is shorter than a day."""

    label: str
    received: int
    resolved: int
    rates: tuple[Value, ...]
    received_address: str
    resolved_address: str
    rate_addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A village or community on the map, with the count of each grid's cell there."""

    code: str
    name: str
    area: str
    counts: tuple[tuple[str, int, str], ...]
    total: int
    address: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit or handler in the ranking: its figures in the columns' order; `rank` None where too little is counted."""

    key: str
    name: str
    rank: int | None
    values: tuple[tuple[str, Value, str], ...]


@dataclass(frozen=True, slots=True)
class Hot:
    """A hot spot in words."""

    category: str
    place: str
    count: int
    reason: str
    address: str


class BoardFigures:
    """The figures of one page. Each is asked for once, however many parts of the page show it."""

    def __init__(self, house: House, chosen: Chosen) -> None:
        self.house = house
        self.chosen = chosen
        self.now = house.now()
        self._metrics = Metrics(house.store.figures, house.calendar, house.settings.supervision.smallest_ranked)
        self._names = group_names(house.settings, house.router, house.tree)
        self._known: dict[tuple[str, Dimension | None, Comparison | None], Figure] = {}

    async def figure(self, code: str, by: Dimension | None = None, past: Comparison | None = None) -> Figure:
        """A metric over the period, or over the one before; as `/api/v1/metrics` gives it."""
        wanted = code, by, past
        if wanted not in self._known:
            period = earlier(self.chosen.slice, past) if past is not None else self.chosen.slice
            self._known[wanted] = await self._metrics.compute(BY_CODE[code], period, self.now, by=by)
        return self._known[wanted]

    def compared_with(self, past: Comparison) -> Slice:
        """The earlier period that is meant."""
        return earlier(self.chosen.slice, past)

    def address(self, code: str, **further: str | Iterable[str]) -> str:
        """The page that lists the tickets behind a figure."""
        return self.chosen.address(LIST, metric=code, **further)

    async def tiles(self) -> list[Tile]:
        return [await self._tile(code) for code in TILES]

    async def every_metric(self) -> list[Tile]:
        """All metrics there are; of times, the median."""
        return [await self._tile(metric.code, whole=True) for metric in METRICS]

    async def _tile(self, code: str, *, whole: bool = False) -> Tile:
        metric = BY_CODE[code]
        value = (await self.figure(code)).total
        before = (await self.figure(code, past=Comparison.PREVIOUS)).total
        last_year = (await self.figure(code, past=Comparison.LAST_YEAR)).total
        counted = not whole and code in _COUNTED_AS
        return Tile(
            metric,
            _COUNTED_AS[code] if counted else metric.name,
            f"{value.n:,}" if counted else value_words(metric, value),
            value,
            count_change(value.n, before.n, Better.NEUTRAL) if counted else change_of(metric, value, before),
            count_change(value.n, last_year.n, Better.NEUTRAL) if counted else change_of(metric, value, last_year),
            self.address(code),
        )

    async def responses(self) -> list[Response]:
        found = []
        for name, time, rate in RESPONSES:
            taken, in_time = (await self.figure(time)).total, (await self.figure(rate)).total
            working, natural = taken.working_minutes, taken.calendar_hours
            found.append(
                Response(
                    name,
                    BY_CODE[time],
                    BY_CODE[rate],
                    taken,
                    in_time,
                    minutes(working.median if working else None),
                    minutes(working.p90 if working else None),
                    hours(natural.median if natural else None),
                    percent(in_time.value),
                    change_of(BY_CODE[rate], in_time, (await self.figure(rate, past=Comparison.PREVIOUS)).total),
                    change_of(BY_CODE[rate], in_time, (await self.figure(rate, past=Comparison.LAST_YEAR)).total),
                    self.address(time),
                    self.address(rate),
                )
            )
        return found

    async def trend(self, step: Step) -> list[Bucket]:
        """What came and what was done in each step, and how often in time; steps in which nothing happened too."""
        by = dimension_of(step)
        codes = [rate for _, _, rate in RESPONSES]
        received, resolved, *rates = [
            {group.key: group.value for group in (await self.figure(code, by)).groups}
            for code in ("received", "time_to_resolve", *codes)
        ]
        nobody = Value(0, 0, None)
        return [
            Bucket(
                _label(key, step),
                received.get(key, nobody).n,
                resolved.get(key, nobody).n,
                tuple(one.get(key, nobody) for one in rates),
                days.address(LIST, metric="received") if days else "",
                days.address(LIST, metric="time_to_resolve") if days else "",
                tuple(days.address(LIST, metric=code) if days else "" for code in codes),
            )
            for key, days in buckets(self.chosen, step, self.now)
        ]

    async def shares(self, by: Dimension, most: int = 100) -> list[Bar]:
        """What came in, by group, the most first; beside it the change since the period before."""
        figure = await self.figure("received", by)
        past = {one.key: one.value.n for one in (await self.figure("received", by, Comparison.PREVIOUS)).groups}
        groups = sorted(figure.groups, key=lambda one: (-one.value.n, one.key))[:most]
        longest = max((one.value.n for one in groups), default=1)
        return [
            Bar(
                self._names(by, one.key),
                one.value.n,
                percent(one.value.n / figure.total.n),
                round(one.value.n / longest * 100, 1),
                self.address("received", group_by=by, key=one.key),
                count_change(one.value.n, past.get(one.key, 0), Better.NEUTRAL),
            )
            for one in groups
        ]

    async def spots(self) -> tuple[list[Spot], list[str], tuple[int, str]]:
        """The places of the map, the most first; the names of the grids; and how many tickets lie in no cell."""
        counts = {one.key: one.value.n for one in (await self.figure("received", Dimension.CELL)).groups}
        territory = self.house.settings.router.territory
        areas = {area.code: area.name for area in territory.areas}
        found = []
        for place in territory.places:
            cells = [f"{grid.code}-{place.code}" for grid in territory.grids]
            each = tuple(
                (cell, counts.get(cell, 0), self.address("received", group_by=Dimension.CELL, key=cell))
                for cell in cells
            )
            total = sum(count for _, count, _ in each)
            address = self.address("received", group_by=Dimension.CELL, key=cells)
            found.append(Spot(place.code, place.name, areas[place.area], each, total, address))
        found.sort(key=lambda one: (-one.total, one.code))
        nowhere = counts.get("", 0), self.address("received", group_by=Dimension.CELL, key="")
        return found, [grid.name for grid in territory.grids], nowhere

    async def ranking(self, by: Dimension, rank_by: str) -> list[Standing]:
        """Units or handlers, the best first; those that are not ranked last, by name."""
        columns: list[tuple[Metric, dict[str, Value]]] = []
        ranks: dict[str, int | None] = {}
        for code in RANKED_BY:
            figure = await self.figure(code, by)
            columns.append((figure.metric, {one.key: one.value for one in figure.groups if one.key}))
            if code == rank_by:
                ranks = {one.key: one.rank for one in figure.groups}
        keys = {key for _, values in columns for key in values}
        found = [self._standing(key, by, columns, ranks.get(key)) for key in keys]
        return sorted(found, key=lambda one: (one.rank is None, one.rank or 0, one.name, one.key))

    def _standing(
        self, key: str, by: Dimension, columns: Sequence[tuple[Metric, dict[str, Value]]], rank: int | None
    ) -> Standing:
        values = []
        for metric, known in columns:
            value = known.get(key, Value(0, 0, 0.0 if metric.unit is MetricUnit.COUNT else None))
            values.append((value_words(metric, value), value, self.address(metric.code, group_by=by, key=key)))
        return Standing(key, self._names(by, key), rank, tuple(values))

    async def hot_spots(self) -> tuple[HotSpots, list[Hot]]:
        """What comes more often than it used to, of the chosen channel and unit; the chosen period plays no part."""
        router = self.house.router
        found = await find_hot_spots(
            self.house.store.figures, self.now, lambda cell: cell.rpartition("-")[2], wanted=self.chosen.slice
        )
        days = Chosen(self.chosen.period, found.first, found.last, self.chosen.channel, self.chosen.unit)
        return found, [
            Hot(
                self._names(Dimension.CATEGORY, one.category),
                router.cell_name(one.cells[0]),
                one.count,
                one.reason,
                days.address(LIST, metric="received", category=one.category, group_by=Dimension.CELL, key=one.cells),
            )
            for one in found.found
        ]


def _label(key: str, step: Step) -> str:
    """`11月5日`, `11月5日起`, `2026年11月`, `14时`; the hour with its day, which a period of two days needs."""
    if step is Step.MONTH:
        return f"{key[:4]}年{int(key[5:7])}月"
    day = f"{int(key[5:7])}月{int(key[8:10])}日"
    if step is Step.HOUR:
        return f"{int(key[8:10])}日{int(key[11:13])}时"
    return f"{day}起" if step is Step.WEEK else day


def days_in_words(period: Slice) -> str:
    """`2026年10月7日至10月31日`."""
    start, last = local(period.start).date(), local(period.end).date()
    last = last.fromordinal(last.toordinal() - 1)
    first = f"{start.year}年{start.month}月{start.day}日"
    if start == last:
        return first
    year = f"{last.year}年" if last.year != start.year else ""
    return f"{first}至{year}{last.month}月{last.day}日"
