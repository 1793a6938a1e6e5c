"""How the database itself stands, and what it knows of the channels and timers: for the administrator's page. No tickets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.complaint import Kind
from storage import tables
from storage.corrections import RECLASSIFIED
from storage.migrate import current_revision


@dataclass(frozen=True, slots=True)
class DatabaseCondition:
    """`bytes`: what the database takes on disk. `events`: how long the chain is."""

    kind: str
    revision: str
    bytes: int
    tickets: int
    events: int


@dataclass(frozen=True, slots=True)
class ChannelCondition:
    """When a channel's last new ticket came, None for never; how many came since a moment."""

    channel: str
    last_at: datetime | None
    since: int


@dataclass(frozen=True, slots=True)
class JobCondition:
    """When a timer's job was last done for all processes; `behind`: events that it has not dealt with yet, where it
    follows them."""

    job: str
    last_at: datetime | None
    behind: int | None


class Conditions:
    """Queries that each read a few rows or one index, so that the page can be opened at any time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def database(self) -> DatabaseCondition:
        head = tables.head.c
        revision = await current_revision(self._engine)
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(head.ticket_sequence, head.event_sequence))).one()
            if self._engine.dialect.name == "sqlite":
                pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
                size = pages * (await connection.execute(text("PRAGMA page_size"))).scalar_one()
            else:
                size = (await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one()
        kind = "SQLite" if self._engine.dialect.name == "sqlite" else "PostgreSQL"
        return DatabaseCondition(kind, revision or "", int(size), row.ticket_sequence, row.event_sequence)

    async def channels(self, codes: Iterable[str], since: datetime) -> list[ChannelCondition]:
        """Each channel, in the order given."""
        table = tables.tickets.c
        counted = (
            select(table.channel, func.count().label("number")).where(table.created_at >= since).group_by(table.channel)
        )
        found = []
        async with self._engine.connect() as connection:
            counts = {row.channel: row.number for row in await connection.execute(counted)}
            for code in codes:
                # Asked first, by its own index: a channel that never sent anything would be looked for among all tickets.
                any_of = select(table.id).where(table.channel == code).limit(1)
                last = None
                if (await connection.execute(any_of)).scalar_one_or_none() is not None:
                    newest = (
                        select(table.created_at).where(table.channel == code).order_by(table.created_at.desc()).limit(1)
                    )
                    last = (await connection.execute(newest)).scalar_one()
                found.append(ChannelCondition(code, last, counts.get(code, 0)))
        return found

    async def jobs(self) -> list[JobCondition]:
        """Jobs that are claimed in the database, those that follow the events, and the daily figures."""
        claim, cursor, figure = tables.job_claims.c, tables.job_cursors.c, tables.daily_figures.c
        async with self._engine.connect() as connection:
            newest = (await connection.execute(select(tables.head.c.event_sequence))).scalar_one()
            last = {
                row.job: row.last_at
                for row in await connection.execute(
                    select(claim.job, func.max(claim.claimed_at).label("last_at")).group_by(claim.job)
                )
            }
            computed = (await connection.execute(select(func.max(figure.computed_at)))).scalar_one()
            followed = {
                row.job: newest - row.sequence for row in await connection.execute(select(cursor.job, cursor.sequence))
            }
        if computed is not None:
            last["daily_figures"] = computed
        return [JobCondition(job, last.get(job), followed.get(job)) for job in sorted(last.keys() | followed.keys())]

    async def provisional_deadlines(self) -> int:
        """Running limits whose end falls into a year that is not announced yet."""
        clock = tables.clocks.c
        statement = select(func.count()).where(clock.stopped_at.is_(None), clock.provisional.is_(True))
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def corrections_since(self, at: datetime) -> int:
        """Tickets that were reclassified since, and that a model may learn from."""
        event, ticket = tables.events.c, tables.tickets.c
        statement = (
            select(func.count(func.distinct(event.ticket_id)))
            .join(tables.tickets, ticket.id == event.ticket_id)
            .where(
                event.action == RECLASSIFIED,
                event.at > at,
                ticket.confidential.is_(False),
                ticket.kind != Kind.REPORT.value,
            )
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).scalar_one()
