"""What makes a member of a population count in the numerator of a figure, in SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import DateTime, and_, exists, func, or_, select, type_coerce

from domain.limit import Stage
from storage import tables
from storage.populations import Column, Condition, Members, Slice, answered, taken_away, word

REPEATED_WITHIN = timedelta(days=30)
AGAIN_WITHIN = timedelta(days=7)

_ticket = tables.tickets.c
_share = tables.assignments.c
_clock = tables.clocks.c
_event = tables.events.c


class Trait(StrEnum):
    """What makes a member count in the numerator."""

    IN_TIME = "in_time"  # of a limit: the step was done by the deadline
    IN_FIRST_TIME = "in_first_time"  # of a resolve limit: by the deadline before any extension
    IN_OUTER_TIME = "in_outer_time"  # of a resolve limit: by the platform's own deadline, by ours where it set none
    DONE = "done"  # of a resolve limit: resolved by the period's end
    CLOSED = "closed"  # of a resolve limit: resolved and closed by the period's end
    CLOSED_IN_TIME = "closed_in_time"  # of a resolve limit: resolved and closed by the deadline
    EXTENDED = "extended"  # of a resolve limit
    RETURNED = "returned"  # of a share: its unit asked to return it
    MISROUTED = "misrouted"  # of a lead share: taken off the unit, because it was another's
    REWORKED = "reworked"  # of a resolution: the matter was worked again
    FOLLOWED_UP = "followed_up"  # of a resolution: a valid follow-up came after it
    AGAIN = "again"  # of a resolution: the same matter came again within days
    REPEATED = "repeated"  # of a ticket: the same reporter had sent the same matter shortly before
    SOLVED = "solved"  # of a follow-up
    SOLVED_AT_ONCE = "solved_at_once"  # of a follow-up: solved, and never worked again
    SOLVED_AT_SECOND = "solved_at_second"  # of a follow-up: solved, and worked again once
    SOLVED_LATER = "solved_later"  # of a follow-up: solved, and worked again more than once
    SATISFIED = "satisfied"  # of a follow-up
    DISSATISFIED = "dissatisfied"  # of a follow-up


_AGAIN = ("sent_back_to_work", "reopened")
_REROUTED = ("return_granted", "transferred", "reclassified")


def trait_of(trait: Trait, members: Members, wanted: Slice, dialect: str) -> Condition:
    """Whether a member counts, for a trait that members of this population can have."""
    other, later = tables.events.alias("other").c, tables.tickets.alias("later").c
    same_ticket = other.ticket_id == _ticket.id
    # Spelled so that the index over actions and times cannot serve: the few events of the ticket are what is to be read.
    action = func.coalesce(other.action, "")
    so_far = other.at < wanted.counted_until
    done = and_(_clock.stopped_at.is_not(None), ~taken_away(), _clock.stopped_at < wanted.counted_until)

    solved = word("solved", dialect) == "yes"
    worked_again = (
        select(func.count())
        .where(same_ticket, action.in_(_AGAIN), other.sequence < _event.sequence)
        .correlate(tables.tickets, tables.events)
        .scalar_subquery()
    )

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
        Trait.IN_OUTER_TIME: and_(done, _clock.stopped_at <= func.coalesce(_ticket.due_outer, _clock.due_at)),
        Trait.CLOSED_IN_TIME: and_(
            done, happened(action == "closed", other.at >= _clock.stopped_at, other.at <= _clock.due_at)
        ),
        Trait.EXTENDED: _clock.extended_by > 0,
        Trait.RETURNED: happened(action == "returned", other.position == _share.position, so_far),
        Trait.MISROUTED: happened(action.in_(_REROUTED), other.at == _share.ended_at, so_far),
        Trait.REWORKED: happened(action.in_(_AGAIN), other.sequence > _event.sequence, so_far),
        Trait.FOLLOWED_UP: happened(
            action == "followed_up", other.sequence > _event.sequence, *answered(dialect, other.data), so_far
        ),
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
        Trait.SOLVED: solved,
        Trait.SOLVED_AT_ONCE: and_(solved, worked_again == 0),
        Trait.SOLVED_AT_SECOND: and_(solved, worked_again == 1),
        Trait.SOLVED_LATER: and_(solved, worked_again > 1),
        Trait.SATISFIED: word("satisfaction", dialect).in_(("satisfied", "basically")),
        Trait.DISSATISFIED: word("satisfaction", dialect) == "unsatisfied",
    }
    return known[trait]


def since_when(trait: Trait | None, dialect: str) -> Column | None:
    """When a member came to have a trait that is as of the period's end; None for the traits that no end decides."""
    other = tables.events.alias("since").c
    action = func.coalesce(other.action, "")

    def first(*conditions: Condition) -> Column:
        return select(func.min(other.at)).where(other.ticket_id == _ticket.id, *conditions).scalar_subquery()

    known: dict[Trait | None, Column] = {
        Trait.IN_FIRST_TIME: _clock.stopped_at,
        Trait.IN_OUTER_TIME: _clock.stopped_at,
        Trait.DONE: _clock.stopped_at,
        Trait.CLOSED: first(action == "closed", other.at >= _clock.stopped_at),
        Trait.RETURNED: first(action == "returned", other.position == _share.position),
        Trait.MISROUTED: _share.ended_at,
        Trait.REWORKED: first(action.in_(_AGAIN), other.sequence > _event.sequence),
        Trait.FOLLOWED_UP: first(
            action == "followed_up", other.sequence > _event.sequence, *answered(dialect, other.data)
        ),
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


def _moved(at: Column, by: timedelta, dialect: str) -> Column:
    """A moment so many days later, or earlier."""
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M:%f", at, f"{by.days:+d} days")
    return type_coerce(at, DateTime(timezone=True)) + func.make_interval(0, 0, 0, by.days)
