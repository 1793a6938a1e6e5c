"""What a report says, gathered once and written by `workbook` and `notice`. Not: how it looks.

It holds no name, phone or words of a reporter; confidential tickets and 举报 are counted, and never listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.complaint import KIND_NAMES
from domain.disclosure import hidden_from_units
from domain.limit import Stage
from domain.ticket import Assignment, Ticket
from storage.assessments import Level
from storage.figures import Dimension, Member, Slice
from storage.store import Store
from supervision.assessment.assessing import Assessing, MonthResult
from supervision.figures import Comparison, Metrics, Value, earlier
from supervision.metrics import BY_CODE, METRICS, Metric
from supervision.reports.periods import Period

Names = Callable[[Dimension, str], str]
"""What people call a group of a dimension."""

GROUPINGS: dict[Dimension, str] = {
    Dimension.BRIGADE: "按单位",
    Dimension.CHANNEL: "按渠道",
    Dimension.KIND: "按诉求类型",
    Dimension.CATEGORY: "按事项",
    Dimension.CELL: "按网格",
    Dimension.HANDLER: "按经办人",
}
"""The tables of a report, in order."""

GROUPED: tuple[Metric, ...] = tuple(
    BY_CODE[code]
    for code in (
        "received",
        "dispatched",
        "accepted_in_time",
        "contacted_in_time",
        "resolved_in_time",
        "closed",
        "returned",
        "reworked",
        "falsely_resolved",
        "repeated",
        "solved",
        "satisfied",
        "backlog",
        "pressed",
        "red_lights",
        "gaps",
    )
)
"""The metrics that are shown for each group."""

MOST_LISTED = 2000
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """A metric for the whole, beside the period before and the same days of the year before."""

    metric: Metric
    total: Value
    before: Value
    last_year: Value


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group with its values by metric code; a metric that counts nothing for the group is absent."""

    key: str
    name: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """All groups of a dimension, most received first."""

    dimension: Dimension
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket of a list, by what may be shown of it. `at`: what put it there. `until`: when that ended, None where it has not.

    `times`: how often.
    """

    ticket_no: str
    kind: str
    category: str
    channel: str
    brigade: str
    cell: str
    handler: str
    at: datetime
    until: datetime | None = None
    times: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of tickets. Of the `total`, `withheld` may not be listed, and `left_off` are what a list too long leaves off."""

    total: int
    withheld: int
    left_off: int
    rows: tuple[ListedTicket, ...]


@dataclass(frozen=True, slots=True)
class ReportContent:
    """A report. `as_of`: up to when is counted; the end of the period once that is over. Listings are in order of time."""

    period: Period
    as_of: datetime
    issuer: str
    overview: Mapping[str, OverviewRow]
    tables: Mapping[Dimension, GroupTable]
    overdue: Listing
    returned: Listing
    reworked: Listing
    red_lights: Listing
    assessment: tuple[MonthResult, ...]
    appeals_granted: int
    names: Names


class Gathering:
    """Gathers reports from one store. `issuer`: the bureau's name."""

    def __init__(self, store: Store, metrics: Metrics, assessing: Assessing, names: Names, issuer: str) -> None:
        self._store = store
        self._metrics = metrics
        self._assessing = assessing
        self._names = names
        self._issuer = issuer

    async def gather(self, period: Period, now: datetime) -> ReportContent:
        """The content of a period's report. A period that is not over is counted up to `now`: its figures move with time."""
        wanted = period.slice
        as_of = min(wanted.end, max(wanted.start, now))
        overview = {metric.code: await self._overview(metric, wanted, as_of) for metric in METRICS}
        tables = await self._tables(replace(wanted, end=as_of))
        late, back = overview["resolved_in_time"].total, overview["returned"].total
        assessment, granted = await self._assessment(period, as_of)
        return ReportContent(
            period,
            as_of,
            self._issuer,
            overview,
            tables,
            await self._listing("resolved_in_time", False, late.n - late.hits, wanted, as_of, _overdue),
            await self._listing("returned", True, back.hits, wanted, as_of, _returned),
            await self._listing("reworked", True, overview["reworked"].total.hits, wanted, as_of, _reworked),
            _by_ticket(await self._listing("red_lights", None, overview["red_lights"].total.n, wanted, as_of, _lit)),
            assessment,
            granted,
            self._names,
        )

    async def _overview(self, metric: Metric, wanted: Slice, as_of: datetime) -> OverviewRow:
        figure = await self._metrics.compute(metric, wanted, as_of, comparison=Comparison.PREVIOUS)
        last_year = await self._metrics.compute(metric, earlier(wanted, Comparison.LAST_YEAR), as_of)
        assert figure.before is not None
        return OverviewRow(metric, figure.total, figure.before, last_year.total)

    async def _tables(self, wanted: Slice) -> dict[Dimension, GroupTable]:
        """All tables: each metric's groups, one metric after the other."""
        found: dict[Dimension, dict[str, dict[str, Value]]] = {one: {} for one in GROUPINGS}
        for metric in GROUPED:
            for dimension, groups in (await self._metrics.tables(metric, wanted, tuple(GROUPINGS))).items():
                for key, value in groups.items():
                    found[dimension].setdefault(key, {})[metric.code] = value
        return {dimension: self._table(dimension, groups) for dimension, groups in found.items()}

    def _table(self, dimension: Dimension, groups: Mapping[str, Mapping[str, Value]]) -> GroupTable:
        rows = (GroupRow(key, self._names(dimension, key), values) for key, values in groups.items())
        return GroupTable(dimension, tuple(sorted(rows, key=lambda row: (-_received(row), row.key))))

    async def _assessment(self, period: Period, as_of: datetime) -> tuple[tuple[MonthResult, ...], int]:
        """The month's results, and how many appeals against them were granted; nothing for other periods."""
        if period.month is None:
            return (), 0
        results = [await self._assessing.month(period.month, level, as_of) for level in Level]
        adjustments = [one for level in Level for one in await self._store.assessments.adjustments(period.month, level)]
        return tuple(results), sum(one.appeal_id is not None for one in adjustments)

    async def _listing(
        self,
        code: str,
        hit: bool | None,
        total: int,
        wanted: Slice,
        as_of: datetime,
        describe: Callable[[Ticket, Member, ListedTicket, datetime], ListedTicket],
    ) -> Listing:
        members = await self._metrics.members(BY_CODE[code], wanted, as_of, hit=hit, limit=MOST_LISTED)
        tickets = await self._tickets(members)
        rows: list[ListedTicket] = []
        withheld = 0
        for one in members:
            ticket = tickets[one.ticket_no]
            if hidden_from_units(ticket):
                withheld += 1
                continue
            rows.append(describe(ticket, one, self._listed(ticket, one), as_of))
        return Listing(total, withheld, total - len(members), tuple(rows))

    async def _tickets(self, members: Sequence[Member]) -> dict[str, Ticket]:
        numbers = list(dict.fromkeys(one.ticket_no for one in members))
        found: dict[str, Ticket] = {}
        for first in range(0, len(numbers), _AT_ONCE):
            for ticket in await self._store.tickets.several(numbers[first : first + _AT_ONCE]):
                found[ticket.no] = ticket
        return found

    def _listed(self, ticket: Ticket, member: Member) -> ListedTicket:
        share = _share(ticket, member)
        names = self._names
        return ListedTicket(
            ticket.no,
            KIND_NAMES[ticket.kind],
            ticket.category_name,
            names(Dimension.CHANNEL, ticket.complaint.channel),
            names(Dimension.BRIGADE, share.unit) if share is not None else "",
            names(Dimension.CELL, share.cell) if share is not None and share.cell else "",
            names(Dimension.HANDLER, share.handler) if share is not None and share.handler else "",
            member.at,
        )


def _received(row: GroupRow) -> int:
    """By what groups are ordered: tickets received, or dispatched where a group is of shares."""
    counted = row.values.get("received") or row.values.get("dispatched")
    return counted.n if counted is not None else 0


def _share(ticket: Ticket, member: Member) -> Assignment | None:
    return next((one for one in ticket.assignments if one.position == member.position), None)


def _overdue(ticket: Ticket, member: Member, listed: ListedTicket, as_of: datetime) -> ListedTicket:
    """`at` is the deadline, `until` when it was resolved after all."""
    share = _share(ticket, member)
    clocks = share.clocks if share is not None else ()
    ended = next((one.stopped_at for one in clocks if one.stage is Stage.RESOLVE and one.due_at == member.at), None)
    return replace(listed, until=ended if ended is not None and ended <= as_of else None)


def _returned(ticket: Ticket, _member: Member, listed: ListedTicket, _as_of: datetime) -> ListedTicket:
    """`at` is when it was dispatched, `times` how often the ticket has been returned."""
    return replace(listed, times=ticket.returns)


def _reworked(ticket: Ticket, _member: Member, listed: ListedTicket, _as_of: datetime) -> ListedTicket:
    """`at` is when it was resolved, `times` how often the ticket has been worked again."""
    return replace(listed, times=ticket.rehandled)


def _lit(_ticket: Ticket, _member: Member, listed: ListedTicket, _as_of: datetime) -> ListedTicket:
    return replace(listed, times=1)


def _by_ticket(listing: Listing) -> Listing:
    """One row for a ticket's share: `at` is when its first light turned red, `times` how many did."""
    rows: dict[tuple[str, str, str], ListedTicket] = {}
    for one in listing.rows:
        key = (one.ticket_no, one.brigade, one.cell)
        rows[key] = replace(rows[key], times=rows[key].times + 1) if key in rows else one
    return replace(listing, rows=tuple(rows.values()))
