"""Who belongs to a population of the figures, and what makes a member count, in SQL that SQLite and PostgreSQL share.

Everything is as of the end of the period: what happened later changes nothing, so that a closed month stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSON

from domain.complaint import Kind, Urgency
from domain.limit import Stage
from domain.ticket import Share
from domain.worktime import LOCAL
from storage import tables
from storage.tickets import IS_OPEN

REPEATED_WITHIN = timedelta(days=30)
AGAIN_WITHIN = timedelta(days=7)

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
    DISPATCH_DUE = "dispatch_due"  # limits of the desk: when they end
    ACCEPT_DUE = "accept_due"  # limits of shares: when they end, unless the share was taken away before
    CONTACT_DUE = "contact_due"
    RESOLVE_DUE = "resolve_due"  # 应结案: of lead shares, each round of work for itself
    ACCEPTED = "accepted"  # shares: when they were signed for
    CONTACTED = "contacted"  # shares: when the reporter was first reached
    RESOLVED = "resolved"  # resolutions by lead shares: when they happened
    FOLLOWED_UP = "followed_up"  # valid follow-ups, which reached the reporter and got an answer
    PRESSED = "pressed"  # 督办
    URGED = "urged"  # 催办
    RED_LIGHTS = "red_lights"  # lights that turned red
    GAPS = "gaps"  # 程序缺项 that opened


class Trait(StrEnum):
    """What makes a member count in the numerator."""

    IN_TIME = "in_time"  # of a limit: the step was done by the deadline
    IN_FIRST_TIME = "in_first_time"  # of a resolve limit: by the deadline before any extension
    DONE = "done"  # of a resolve limit: resolved by the period's end
    CLOSED = "closed"  # of a resolve limit: resolved and closed by the period's end
    EXTENDED = "extended"  # of a resolve limit
    RETURNED = "returned"  # of a share: its unit asked to return it
    MISROUTED = "misrouted"  # of a lead share: taken off the unit, because it was another's
    REWORKED = "reworked"  # of a resolution: the matter was worked again
    AGAIN = "again"  # of a resolution: the same matter came again within days
    REPEATED = "repeated"  # of a ticket: the same reporter had sent the same matter shortly before
    SOLVED = "solved"  # of a follow-up
    SOLVED_AT_ONCE = "solved_at_once"  # of a follow-up: solved, and never worked again
    SATISFIED = "satisfied"  # of a follow-up


class Dimension(StrEnum):
    """What figures can be grouped by."""

    CHANNEL = "channel"
    KIND = "kind"
    CATEGORY = "category"
    URGENCY = "urgency"
    BRIGADE = "brigade"
    AREA = "area"
    CELL = "cell"
    HANDLER = "handler"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # by its Monday
    MONTH = "month"
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

    def key(self, by: Dimension, dialect: str) -> Column:
        """The group that a member belongs to."""
        plain: dict[Dimension, Column] = {
            Dimension.CHANNEL: _ticket.channel,
            Dimension.KIND: _ticket.kind,
            Dimension.CATEGORY: _ticket.category,
            Dimension.URGENCY: _ticket.urgency,
            Dimension.BRIGADE: self.unit,
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
        ~and_(_taken_away(), _clock.stopped_at <= _clock.due_at),
        _clock.paused_at.is_(None),
    ]
    if stage is Stage.RESOLVE:
        conditions.append(_share.share == Share.LEAD.value)
    return replace(_of_share(source, _clock.due_at, tuple(conditions)), stage=stage)


def _taken_away() -> Condition:
    """The clock stopped because its share ended, not because its step was done."""
    return and_(
        _clock.stopped_at.is_not(None),
        _share.ended_at.is_not(None),
        func.coalesce(_clock.stopped_at == _share.ended_at, literal(False)),
    )


def _happened(population: Population, dialect: str) -> Members:
    """Events of one action, by when they happened."""
    action, further = _ACTIONS[population]
    of_ticket = tables.events.join(tables.tickets, _ticket.id == _event.ticket_id)
    conditions: tuple[Condition, ...] = (_event.action == action, *further(dialect))
    if population in {Population.FOLLOWED_UP, Population.PRESSED, Population.URGED}:
        return _of_ticket(of_ticket, _event.at, conditions)
    here = and_(_share.ticket_id == _event.ticket_id, _share.position == _event.position)
    if population in {Population.RED_LIGHTS, Population.GAPS}:
        return _of_share_or_desk(of_ticket.outerjoin(tables.assignments, here), conditions)
    source: FromClause = of_ticket.join(tables.assignments, here)
    started: Column = _share.dispatched_at
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


def _of_share_or_desk(source: FromClause, conditions: tuple[Condition, ...]) -> Members:
    """What happened to a share, or at the desk, which has no unit, cell or handler."""
    unit, area, cell, handler = (
        func.coalesce(column, "") for column in (_share.unit, _share.area, _share.cell, _share.handler)
    )
    return Members(source, conditions, _event.at, _event.position, unit, area, cell, handler)


_ACTIONS: dict[Population, tuple[str, Callable[[str], tuple[Condition, ...]]]] = {
    Population.ACCEPTED: ("accepted", lambda _: ()),
    Population.CONTACTED: ("contacted", lambda _: (_event.at == _share.contacted_at,)),
    Population.RESOLVED: ("resolved", lambda _: (_share.share == Share.LEAD.value,)),
    Population.FOLLOWED_UP: (
        "followed_up",
        lambda dialect: (
            _word("reached", dialect).in_(("1", "true")),  # SQLite and PostgreSQL spell a true one differently
            _word("solved", dialect).in_(("yes", "partly", "no")),
        ),
    ),
    Population.PRESSED: ("pressed", lambda _: ()),
    Population.URGED: ("urged", lambda _: ()),
    Population.RED_LIGHTS: ("light_changed", lambda dialect: (_word("new", dialect) == "red",)),
    Population.GAPS: ("gap_opened", lambda _: ()),
}

_AGAIN = ("sent_back_to_work", "reopened")
_REROUTED = ("return_granted", "transferred", "reclassified")


def trait_of(trait: Trait, members: Members, wanted: Slice, dialect: str) -> Condition:
    """Whether a member counts, for a trait that members of this population can have."""
    other, later = tables.events.alias("other").c, tables.tickets.alias("later").c
    same_ticket = other.ticket_id == _ticket.id
    # Spelled so that the index over actions and times cannot serve: the few events of the ticket are what is to be read.
    action = func.coalesce(other.action, "")
    so_far = other.at < wanted.counted_until
    done = and_(_clock.stopped_at.is_not(None), ~_taken_away(), _clock.stopped_at < wanted.counted_until)

    def happened(*conditions: Condition) -> Condition:
        return exists(select(other.sequence).where(same_ticket, *conditions))

    def came_again(since: Column, until: Column) -> Condition:
        return exists(
            select(later.id).where(
                later.reporter_key == _ticket.reporter_key,
                later.category == _ticket.category,
                later.id != _ticket.id,
                later.created_at >= since,
                later.created_at <= until,
            )
        )

    known: dict[Trait, Condition] = {
        Trait.IN_TIME: _in_time(members.stage, done),
        Trait.IN_FIRST_TIME: and_(done, _clock.stopped_at <= _clock.original_due_at),
        Trait.DONE: done,
        Trait.CLOSED: and_(done, happened(action == "closed", other.at >= _clock.stopped_at, so_far)),
        Trait.EXTENDED: _clock.extended_by > 0,
        Trait.RETURNED: happened(action == "returned", other.position == _share.position, so_far),
        Trait.MISROUTED: happened(action.in_(_REROUTED), other.at == _share.ended_at, so_far),
        Trait.REWORKED: happened(action.in_(_AGAIN), other.sequence > _event.sequence, so_far),
        Trait.AGAIN: or_(
            happened(
                action == "sent_again",
                other.sequence > _event.sequence,
                other.at <= _moved(_event.at, AGAIN_WITHIN, dialect),
            ),
            and_(_ticket.reporter_key != "", came_again(_event.at, _moved(_event.at, AGAIN_WITHIN, dialect))),
        ),
        Trait.REPEATED: and_(
            _ticket.reporter_key != "",
            came_again(_moved(_ticket.created_at, -REPEATED_WITHIN, dialect), _ticket.created_at),
        ),
        Trait.SOLVED: _word("solved", dialect) == "yes",
        Trait.SOLVED_AT_ONCE: and_(
            _word("solved", dialect) == "yes",
            ~happened(action.in_(_AGAIN), other.sequence < _event.sequence),
        ),
        Trait.SATISFIED: _word("satisfaction", dialect).in_(("satisfied", "basically")),
    }
    return known[trait]


def since_when(trait: Trait | None) -> Column | None:
    """When a member came to have a trait that is as of the period's end; None for the traits that no end decides."""
    other = tables.events.alias("since").c
    action = func.coalesce(other.action, "")

    def first(*conditions: Condition) -> Column:
        return select(func.min(other.at)).where(other.ticket_id == _ticket.id, *conditions).scalar_subquery()

    known: dict[Trait | None, Column] = {
        Trait.IN_FIRST_TIME: _clock.stopped_at,
        Trait.DONE: _clock.stopped_at,
        Trait.CLOSED: first(action == "closed", other.at >= _clock.stopped_at),
        Trait.RETURNED: first(action == "returned", other.position == _share.position),
        Trait.MISROUTED: _share.ended_at,
        Trait.REWORKED: first(action.in_(_AGAIN), other.sequence > _event.sequence),
    }
    return known.get(trait)


def _in_time(stage: Stage | None, done: Condition) -> Condition:
    """The step itself was done by the deadline; that its clock stopped is not enough, for all stop with the end."""
    if stage is Stage.ACCEPT:
        return and_(_share.accepted_at.is_not(None), _share.accepted_at <= _clock.due_at)
    if stage is Stage.CONTACT:
        return and_(_share.contacted_at.is_not(None), _share.contacted_at <= _clock.due_at)
    if stage is Stage.DISPATCH:
        return and_(_clock.stopped_at.is_not(None), _clock.stopped_at <= _clock.due_at)
    return and_(done, _clock.stopped_at <= _clock.due_at)


def _word(name: str, dialect: str) -> Column:
    """A value of an event's data, as text."""
    if dialect == "sqlite":
        return cast(func.json_extract(_event.data, f"$.{name}"), String)
    word: Column = cast(_event.data, JSON)[name].astext
    return word


def _moved(at: Column, by: timedelta, dialect: str) -> Column:
    """A moment so many days later, or earlier."""
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f", at, f"{by.days:+d} days")
    return type_coerce(at, DateTime(timezone=True)) + func.make_interval(0, 0, 0, by.days)


_PERIODS = {
    Dimension.HOUR: ("%Y-%m-%d %H:00", "YYYY-MM-DD HH24:00"),
    Dimension.DAY: ("%Y-%m-%d", "YYYY-MM-DD"),
    Dimension.WEEK: ("%Y-%m-%d", "YYYY-MM-DD"),
    Dimension.MONTH: ("%Y-%m", "YYYY-MM"),
    Dimension.YEAR: ("%Y", "YYYY"),
}


def local_period(at: Column, by: Dimension, dialect: str) -> Column:
    """The local hour, day, week, month or year of a moment, as text that sorts by time."""
    written, postgresql = _PERIODS[by]
    if dialect == "sqlite":
        monday = ("weekday 0", "-6 days") if by is Dimension.WEEK else ()
        return func.strftime(written, at, _OFFSET, *monday)
    local = func.timezone(str(LOCAL), at)
    return func.to_char(func.date_trunc("week", local) if by is Dimension.WEEK else local, postgresql)


_OFFSET = "+8 hours"
"""Shanghai's distance from UTC: it has had no summer time since 1991."""
