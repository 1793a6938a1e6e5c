"""Who belongs to a population of the figures, in SQL that SQLite and PostgreSQL share. Not: who of them counts (`traits`).

Everything is as of the end of the period: what happened later changes nothing, so that a closed month stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    String,
    and_,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSON

from domain.complaint import Kind, Urgency
from domain.limit import Stage
from domain.ticket import Share
from domain.worktime import LOCAL
from storage import tables
from storage.tickets import IS_OPEN

Column = ColumnElement[Any]
Condition = ColumnElement[bool]

_ticket = tables.tickets.c
_share = tables.assignments.c
_clock = tables.clocks.c
_event = tables.events.c


class Population(StrEnum):
    """Whose members are counted; the comment says what puts a member into the period."""

    RECEIVED = "received"  # tickets: when they were received
    OPEN = "open"  # tickets that are unfinished now: received before the period's end
    DISPATCHED = "dispatched"  # shares, lead and helpers: when they were dispatched
    DISPATCHED_LEAD = "dispatched_lead"  # lead shares: the same
    DISPATCHED_BY_DESK = "dispatched_by_desk"  # first shares of tickets that waited at the desk: the same
    DISPATCH_DUE = "dispatch_due"  # limits of the desk: when they end
    ACCEPT_DUE = "accept_due"  # limits of shares: when they end, unless the share was taken away before
    CONTACT_DUE = "contact_due"
    RESOLVE_DUE = "resolve_due"  # 应结案: of lead shares, each round of work for itself
    ACCEPTED = "accepted"  # shares: when they were signed for
    CONTACTED = "contacted"  # shares: when the reporter was first reached
    RESOLVED = "resolved"  # resolutions by lead shares: when they happened
    FOLLOWED_UP = "followed_up"  # valid follow-ups, which reached the reporter and got an answer
    FINISHED = "finished"  # 结案
    RETURN_RULED = "return_ruled"  # returns of shares: when the command centre ruled
    EXTENSION_RULED = "extension_ruled"  # extensions of shares: when they were granted or refused
    SUSPENSION_RULED = "suspension_ruled"  # suspensions of shares: the same
    PRESSED = "pressed"  # 督办
    PRESS_ANSWERED = "press_answered"  # 督办 orders: when they were answered
    URGED = "urged"  # 催办
    RED_LIGHTS = "red_lights"  # lights that turned red
    GAPS = "gaps"  # 程序缺项 that opened


class Dimension(StrEnum):
    """What figures can be grouped by."""

    CHANNEL = "channel"
    KIND = "kind"
    CATEGORY = "category"
    URGENCY = "urgency"
    BRIGADE = "brigade"
    GRID = "grid"
    AREA = "area"
    CELL = "cell"
    HANDLER = "handler"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # by its Monday
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Slice:
    """The period, from `start` up to, not including, `end` (aware), and what is looked at; None means everything.

    Figures are as of the period's end; of a part of a longer period, `as_of` is the end of that.
    """

    start: datetime
    end: datetime
    channel: str | None = None
    kind: Kind | None = None
    category: str | None = None
    urgency: Urgency | None = None
    brigade: str | None = None
    grid: str | None = None
    area: str | None = None
    cell: str | None = None
    handler: str | None = None
    as_of: datetime | None = None

    @property
    def counted_until(self) -> datetime:
        return self.as_of if self.as_of is not None else self.end


@dataclass(frozen=True, slots=True)
class Members:
    """A population in SQL: where its rows come from, which of them belong, and what is known of each.

    `unit`, `area`, `cell` and `handler` are those of the share concerned, else of the ticket's lead. `few`: its condition has
    an index of its own, and no index over what is grouped or sliced by may keep SQLite from it.
    """

    source: FromClause
    conditions: tuple[Condition, ...]
    at: Column
    position: Column
    unit: Column
    area: Column
    cell: Column
    handler: Column
    started_at: Column | None = None
    ended_at: Column | None = None
    stage: Stage | None = None
    few: bool = False

    @property
    def no(self) -> Column:
        return _ticket.no

    @property
    def ticket_id(self) -> Column:
        return _ticket.id

    @property
    def grid(self) -> Column:
        """What a cell's code, `<grid>-<place>`, begins with: all up to its last hyphen; empty where there is no cell."""
        cell = func.coalesce(self.cell, "")
        with_hyphen = func.rtrim(cell, func.replace(cell, "-", ""))  # without all that is no hyphen at the end
        return func.rtrim(with_hyphen, "-")

    def key(self, by: Dimension, dialect: str) -> Column:
        """The group that a member belongs to."""
        plain: dict[Dimension, Column] = {
            Dimension.CHANNEL: _ticket.channel,
            Dimension.KIND: _ticket.kind,
            Dimension.CATEGORY: _ticket.category,
            Dimension.URGENCY: _ticket.urgency,
            Dimension.BRIGADE: self.unit,
            Dimension.GRID: self.grid,
            Dimension.AREA: self.area,
            Dimension.CELL: self.cell,
            Dimension.HANDLER: self.handler,
        }
        return self.spelled(plain[by]) if by in plain else local_period(self.at, by, dialect)

    def spelled(self, column: Column) -> Column:
        """A column to group or to slice by."""
        return func.coalesce(column, literal_column("''")) if self.few else column


def members_of(population: Population, wanted: Slice, dialect: str) -> Members:
    """The population of a slice."""
    members = _population(population, wanted, dialect)
    equal = (
        (_ticket.channel, wanted.channel),
        (_ticket.kind, wanted.kind),
        (_ticket.category, wanted.category),
        (_ticket.urgency, wanted.urgency),
        (members.unit, wanted.brigade),
        (members.grid, wanted.grid),
        (members.area, wanted.area),
        (members.cell, wanted.cell),
        (members.handler, wanted.handler),
    )
    sliced = tuple(members.spelled(column) == str(value) for column, value in equal if value is not None)
    period: tuple[Condition, ...] = (members.at < wanted.end,)
    if population is not Population.OPEN:
        period = (members.at >= wanted.start, *period)
    return replace(members, conditions=(*members.conditions, *period, *sliced))


def _population(population: Population, wanted: Slice, dialect: str) -> Members:
    if population is Population.RECEIVED:
        return _tickets(())
    if population is Population.OPEN:
        members = replace(_tickets((IS_OPEN,)), few=True)
        return replace(members, started_at=_ticket.created_at, ended_at=literal(wanted.end, _ticket.created_at.type))
    if population in {Population.DISPATCHED, Population.DISPATCHED_LEAD}:
        lead = (_share.share == Share.LEAD.value,) if population is Population.DISPATCHED_LEAD else ()
        return _of_share(_SHARES, _share.dispatched_at, lead)
    if population is Population.DISPATCHED_BY_DESK:
        waited = (_share.position == 1, _share.dispatched_at > _ticket.created_at)
        members = _of_share(_SHARES, _share.dispatched_at, waited)
        return replace(members, started_at=_ticket.created_at, ended_at=_share.dispatched_at)
    if population is Population.DISPATCH_DUE:
        source = tables.clocks.join(tables.tickets, _ticket.id == _clock.ticket_id)
        condition = (_clock.stage == Stage.DISPATCH.value,)
        return replace(_of_ticket(source, _clock.due_at, condition), stage=Stage.DISPATCH)
    if population in _DUE_STAGES:
        return _due(_DUE_STAGES[population])
    return _happened(population, dialect)


_SHARES = tables.assignments.join(tables.tickets, _ticket.id == _share.ticket_id)
_DUE_STAGES = {
    Population.ACCEPT_DUE: Stage.ACCEPT,
    Population.CONTACT_DUE: Stage.CONTACT,
    Population.RESOLVE_DUE: Stage.RESOLVE,
}


def _tickets(conditions: tuple[Condition, ...]) -> Members:
    return _of_ticket(tables.tickets, _ticket.created_at, conditions)


def _of_ticket(source: FromClause, at: Column, conditions: tuple[Condition, ...]) -> Members:
    return Members(source, conditions, at, literal(0), _ticket.unit, _ticket.area, _ticket.cell, _ticket.handler)


def _of_share(source: FromClause, at: Column, conditions: tuple[Condition, ...]) -> Members:
    return Members(source, conditions, at, _share.position, _share.unit, _share.area, _share.cell, _share.handler)


def _due(stage: Stage) -> Members:
    """Limits of shares by their deadline; one whose share was taken away before it had to be kept is nobody's duty.

    One that stands still, or stood still when its share ended, has not fallen due.
    """
    source = tables.clocks.join(
        tables.assignments, and_(_share.ticket_id == _clock.ticket_id, _share.position == _clock.position)
    ).join(tables.tickets, _ticket.id == _clock.ticket_id)
    conditions: list[Condition] = [
        _clock.stage == stage.value,
        ~and_(taken_away(), _clock.stopped_at <= _clock.due_at),
        _clock.paused_at.is_(None),
    ]
    if stage is Stage.RESOLVE:
        conditions.append(_share.share == Share.LEAD.value)
    return replace(_of_share(source, _clock.due_at, tuple(conditions)), stage=stage)


def taken_away() -> Condition:
    """The clock stopped because its share ended, not because its step was done."""
    return and_(
        _clock.stopped_at.is_not(None),
        _share.ended_at.is_not(None),
        func.coalesce(_clock.stopped_at == _share.ended_at, literal(False)),
    )


def _happened(population: Population, dialect: str) -> Members:
    """Events of an action, or of a pair of them, by when they happened."""
    actions, further = _ACTIONS[population]
    of_ticket = tables.events.join(tables.tickets, _ticket.id == _event.ticket_id)
    conditions: tuple[Condition, ...] = (_event.action.in_(actions), *further(dialect))
    if population in {Population.PRESSED, Population.URGED}:
        return _of_ticket(of_ticket, _event.at, conditions)
    if population in {Population.FOLLOWED_UP, Population.FINISHED}:
        begun = _ticket.created_at if population is Population.FINISHED else _last("resolved", of_share=False)
        return replace(_of_ticket(of_ticket, _event.at, conditions), started_at=begun, ended_at=_event.at)
    here = and_(_share.ticket_id == _event.ticket_id, _share.position == _event.position)
    if population in {Population.RED_LIGHTS, Population.GAPS}:
        return _of_share_or_desk(of_ticket.outerjoin(tables.assignments, here), conditions)
    if population is Population.PRESS_ANSWERED:
        order = tables.press_orders.c
        number = cast(word("number", dialect), Integer)
        answered = of_ticket.join(
            tables.press_orders, and_(order.ticket_id == _event.ticket_id, order.number == number)
        ).outerjoin(tables.assignments, here)
        return replace(_of_share_or_desk(answered, conditions), started_at=order.issued_at, ended_at=_event.at)
    source: FromClause = of_ticket.join(tables.assignments, here)
    started: Column = _share.dispatched_at
    if population in _ASKED_WITH:
        started = _last(_ASKED_WITH[population], of_share=True)
    if population is Population.RESOLVED:
        source = source.outerjoin(
            tables.clocks,
            and_(
                _clock.ticket_id == _event.ticket_id,
                _clock.position == _event.position,
                _clock.stage == Stage.RESOLVE.value,
                _clock.stopped_at == _event.at,
            ),
        )
        started = func.coalesce(_clock.started_at, _share.dispatched_at)
    return replace(_of_share(source, _event.at, conditions), started_at=started, ended_at=_event.at)


def _last(action: str, *, of_share: bool) -> Column:
    """When something last happened to the ticket, or to the share concerned, before the event."""
    other = tables.events.alias("other").c
    # Spelled so that the index over actions and times cannot serve: the few events of the ticket are what is to be read.
    before = [
        other.ticket_id == _event.ticket_id,
        other.sequence < _event.sequence,
        func.coalesce(other.action, "") == action,
    ]
    if of_share:
        before.append(other.position == _event.position)
    return select(func.max(other.at)).where(*before).scalar_subquery()


def _of_share_or_desk(source: FromClause, conditions: tuple[Condition, ...]) -> Members:
    """What happened to a share, or at the desk, which has no unit, cell or handler."""
    unit, area, cell, handler = (
        func.coalesce(column, "") for column in (_share.unit, _share.area, _share.cell, _share.handler)
    )
    return Members(source, conditions, _event.at, _event.position, unit, area, cell, handler)


def word(name: str, dialect: str, data: Column = _event.data) -> Column:
    """A value of an event's data, as text; `data` is that of another event than the one that makes the member."""
    if dialect == "sqlite":
        return cast(func.json_extract(data, f"$.{name}"), String)
    word: Column = cast(data, JSON)[name].astext
    return word


def answered(dialect: str, data: Column = _event.data) -> tuple[Condition, ...]:
    """A follow-up is valid: it reached the reporter and was answered."""
    return (
        word("reached", dialect, data).in_(("1", "true")),  # SQLite and PostgreSQL spell a true one differently
        word("solved", dialect, data).in_(("yes", "partly", "no")),
    )


_ACTIONS: dict[Population, tuple[tuple[str, ...], Callable[[str], tuple[Condition, ...]]]] = {
    Population.ACCEPTED: (("accepted",), lambda _: ()),
    Population.CONTACTED: (("contacted",), lambda _: (_event.at == _share.contacted_at,)),
    Population.RESOLVED: (("resolved",), lambda _: (_share.share == Share.LEAD.value,)),
    Population.RETURN_RULED: (("return_granted", "return_refused"), lambda _: ()),
    Population.EXTENSION_RULED: (("extended", "extension_refused"), lambda _: ()),
    Population.SUSPENSION_RULED: (("suspended", "suspension_refused"), lambda _: ()),
    Population.FOLLOWED_UP: (("followed_up",), answered),
    Population.FINISHED: (("closed",), lambda _: ()),
    Population.PRESSED: (("pressed",), lambda _: ()),
    Population.PRESS_ANSWERED: (("press_answered",), lambda _: ()),
    Population.URGED: (("urged",), lambda _: ()),
    Population.RED_LIGHTS: (("light_changed",), lambda dialect: (word("new", dialect) == "red",)),
    Population.GAPS: (("gap_opened",), lambda _: ()),
}
_ASKED_WITH = {
    Population.RETURN_RULED: "returned",
    Population.EXTENSION_RULED: "extension_asked",
    Population.SUSPENSION_RULED: "suspension_asked",
}
"""What each of the rulings answers."""


_PERIODS = {
    Dimension.HOUR: ("%Y-%m-%d %H:00", "YYYY-MM-DD HH24:00"),
    Dimension.DAY: ("%Y-%m-%d", "YYYY-MM-DD"),
    Dimension.WEEK: ("%Y-%m-%d", "YYYY-MM-DD"),
    Dimension.MONTH: ("%Y-%m", "YYYY-MM"),
    Dimension.QUARTER: ("%Y", 'YYYY-"Q"Q'),
    Dimension.YEAR: ("%Y", "YYYY"),
}


def local_period(at: Column, by: Dimension, dialect: str) -> Column:
    """The local hour, day, week, month, quarter or year of a moment, as text that sorts by time."""
    written, postgresql = _PERIODS[by]
    if dialect == "sqlite":
        monday = ("weekday 0", "-6 days") if by is Dimension.WEEK else ()
        period: Column = func.strftime(written, at, _OFFSET, *monday)
        if by is Dimension.QUARTER:
            month = cast(func.strftime("%m", at, _OFFSET), Integer)
            return period + literal("-Q") + cast((month + 2) // 3, String)
        return period
    local = func.timezone(str(LOCAL), at)
    return func.to_char(func.date_trunc("week", local) if by is Dimension.WEEK else local, postgresql)


_OFFSET = "+8 hours"
"""Shanghai's distance from UTC: it has had no summer time since 1991."""
