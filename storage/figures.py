"""The queries behind the metrics: populations counted, grouped, timed and listed. Not: what a metric is called or means.

`populations` says in SQL who belongs to a population, and `traits` what makes a member count; here it is asked. Each query
reads a range of one index: its cost follows what happened in the period, not what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Double, Float, String, Subquery, case, cast, func, literal, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.worktime import local
from storage.populations import Dimension, Members, Population, Slice, local_period, members_of
from storage.rollups import Rollups
from storage.traits import Trait, since_when, trait_of

__all__ = [
    "Count",
    "CrossCount",
    "DatedCount",
    "Dimension",
    "Figures",
    "Measure",
    "Member",
    "Population",
    "Seconds",
    "Slice",
    "Spans",
    "Trait",
]


_END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measure:
    """A population, and the trait that lets a member count in the numerator; without one every member does."""

    population: Population
    trait: Trait | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many belong to a group and how many of them count; the key is empty where nothing is grouped."""

    key: str
    members: int
    hits: int


@dataclass(frozen=True, slots=True)
class CrossCount:
    """How many belong to a combination of groups, one key for each dimension, and how many of them count."""

    keys: tuple[str, ...]
    members: int
    hits: int


@dataclass(frozen=True, slots=True)
class DatedCount:
    """How many belong to a combination of groups, one key for each dimension, and have counted `since` a local day.

    `since`: empty for those that do not count; the period's first day where no later moment decides it.
    """

    keys: tuple[str, ...]
    since: str
    members: int


Seconds = NDArray[np.float64]
"""Moments in seconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Spans:
    """How long each member of a group took: from when to when, in no order; two arrays of one length."""

    key: str
    started: Seconds
    ended: Seconds


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a population: the ticket, the share (0: the ticket as a whole), the moment that puts it in the period."""

    ticket_no: str
    position: int
    at: datetime
    hit: bool


class Figures:
    """Counts, times and lists over the populations. None of the queries writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        self.rollups = Rollups(engine)

    async def counts(self, measure: Measure, wanted: Slice, by: Dimension | None = None) -> list[Count]:
        """One count for each group, by key; without `by` exactly one, which may be of nobody."""
        rows = self._rows(measure, wanted, by)
        statement = select(
            rows.c.key, func.count().label("members"), func.coalesce(func.sum(rows.c.hit), 0).label("hits")
        )
        if by is not None:
            statement = statement.group_by(rows.c.key).order_by(rows.c.key)
        else:
            statement = select(literal("").label("key"), *statement.selected_columns[1:])
        async with self._engine.connect() as connection:
            return [Count(row.key, row.members, int(row.hits)) for row in await connection.execute(statement)]

    async def cross_counts(self, measure: Measure, wanted: Slice, by: Sequence[Dimension]) -> list[CrossCount]:
        """One count for each combination of the dimensions that occurs, in no order: many groupings in one query."""
        members, columns = self._members(measure, wanted)
        keys = [members.key(one, self._dialect).label(one.value) for one in by]
        rows = select(*keys, *columns).select_from(members.source).where(*members.conditions).subquery()
        groups = [rows.c[one.value] for one in by]
        statement = select(*groups, func.count(), func.sum(rows.c.hit)).group_by(*groups)
        async with self._engine.connect() as connection:
            found = await connection.execute(statement)
            return [CrossCount(tuple(row[: len(by)]), row[-2], int(row[-1])) for row in found]

    async def dated_counts(self, measure: Measure, wanted: Slice, by: Sequence[Dimension]) -> list[DatedCount]:
        """One count for each combination of the dimensions, and of the days since which members count, that occurs; in no
        order. Everything that has happened up to now counts."""
        members, columns = self._members(measure, replace(wanted, as_of=_END_OF_TIME))
        keys = [members.key(one, self._dialect).label(one.value) for one in by]
        moment = since_when(measure.trait, self._dialect)
        day = local_period(moment, Dimension.DAY, self._dialect) if moment is not None else None
        since = day if day is not None else literal(f"{local(wanted.start):%Y-%m-%d}")
        rows = (
            select(*keys, *columns, since.label("since"))
            .select_from(members.source)
            .where(*members.conditions)
            .subquery()
        )
        groups = [*(rows.c[one.value] for one in by), case((rows.c.hit == 1, rows.c.since), else_="")]
        counted = select(*(one.label(f"group_{place}") for place, one in enumerate(groups)), rows.c.no).subquery()
        named = [counted.c[f"group_{place}"] for place in range(len(groups))]
        statement = select(*named, func.count()).group_by(*named)
        async with self._engine.connect() as connection:
            found = await connection.execute(statement)
            return [DatedCount(tuple(row[: len(by)]), row[-2], row[-1]) for row in found]

    async def ticket_ids(self, population: Population, wanted: Slice) -> set[int]:
        """The ids of the tickets with a member of the population."""
        members = members_of(population, wanted, self._dialect)
        statement = select(members.ticket_id).select_from(members.source).where(*members.conditions).distinct()
        async with self._engine.connect() as connection:
            return set((await connection.execute(statement)).scalars())

    async def spans(self, population: Population, wanted: Slice, by: Dimension | None = None) -> list[Spans]:
        """How long the members took, one for each group that has any, by key.

        The database sends each group as a whole: a row for each member would cost more than everything else. Raises
        ValueError for a population whose members take no time.
        """
        rows = self._rows(Measure(population), wanted, by)
        if "started_at" not in rows.c:
            raise ValueError(f"members of {population} take no time")
        each = (rows.c.started_at, rows.c.ended_at)
        statement = select(rows.c.key, *(self._gathered(one) for one in each)).group_by(rows.c.key).order_by(rows.c.key)
        async with self._engine.connect() as connection:
            return [Spans(row[0], _seconds(row[1]), _seconds(row[2])) for row in await connection.execute(statement)]

    def _gathered(self, moment: ColumnElement[Any]) -> ColumnElement[Any]:
        """All moments of a group, in seconds: an array on PostgreSQL, JSON on SQLite."""
        if self._dialect == "sqlite":
            # Text as `UtcDateTime` writes it: whole seconds, and the fraction behind the point.
            written = type_coerce(moment, String)
            fraction = func.coalesce(cast(func.nullif(func.substr(written, 20), ""), Float), 0.0)
            return func.json_group_array(cast(func.strftime("%s", written), Float) + fraction)
        return func.array_agg(cast(func.extract("epoch", moment), Double))

    async def list_members(
        self,
        measure: Measure,
        wanted: Slice,
        *,
        group: tuple[Dimension, tuple[str, ...]] | None = None,
        hit: bool | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> list[Member]:
        """The members behind a count, oldest first: all, or those that count (`hit`) or do not, of the groups with
        these keys together or of all."""
        rows = self._rows(measure, wanted, group[0] if group else None)
        statement = (
            select(rows.c.no, rows.c.position, rows.c.at, rows.c.hit)
            .order_by(rows.c.at, rows.c.no, rows.c.position)
            .offset(offset)
            .limit(limit)
        )
        if group is not None:
            statement = statement.where(rows.c.key.in_(group[1]))
        if hit is not None:
            statement = statement.where(rows.c.hit == int(hit))
        async with self._engine.connect() as connection:
            found = await connection.execute(statement)
            return [Member(row.no, row.position, row.at, bool(row.hit)) for row in found]

    def _rows(self, measure: Measure, wanted: Slice, by: Dimension | None) -> Subquery:
        """The members as rows, each with the key of its group."""
        members, columns = self._members(measure, wanted)
        key = members.key(by, self._dialect) if by is not None else literal("")
        return select(key.label("key"), *columns).select_from(members.source).where(*members.conditions).subquery()

    def _members(self, measure: Measure, wanted: Slice) -> tuple[Members, list[ColumnElement[Any]]]:
        """The population, and of each member: ticket, share, moment, whether it counts and, where known, how long it took."""
        members, hit = counted_members(measure, wanted, self._dialect)
        return members, [
            members.no.label("no"),
            members.position.label("position"),
            members.at.label("at"),
            hit.label("hit"),
            *_times(members),
        ]


def counted_members(measure: Measure, wanted: Slice, dialect: str) -> tuple[Members, ColumnElement[int]]:
    """The population of a measure, and of each member 1 where it counts, else 0."""
    members = members_of(measure.population, wanted, dialect)
    if measure.trait is None:
        return members, literal(1)
    return members, case((trait_of(measure.trait, members, wanted, dialect), 1), else_=0)


def _seconds(gathered: str | list[float]) -> Seconds:
    return np.array(msgspec.json.decode(gathered) if isinstance(gathered, str) else gathered, dtype=np.float64)


def _times(members: Members) -> Sequence[ColumnElement[Any]]:
    if members.started_at is None or members.ended_at is None:
        return ()
    return (members.started_at.label("started_at"), members.ended_at.label("ended_at"))
