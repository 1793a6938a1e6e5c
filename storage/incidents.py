"""Incidents: which tickets stand for one trouble; joining and leaving, each with its events in one transaction.

Not: what joining asks of tickets (`domain.handling.joining`), nor how proposals come about (`storage.sameness`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Connection, Exists, Row, and_, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.incident import Incident, Member, Proposal, ProposalState, Sameness
from domain.lifecycle import NotAllowed
from domain.outcome import Outcome
from domain.ticket import IN_HAND, OPEN, Ticket
from storage import tables
from storage.database import lock_head, writing
from storage.loading import tickets_on
from storage.rows import encoded
from storage.saving import Ledger
from storage.writer import TicketNotFound

_member, _ticket, _proposal = tables.incident_members.c, tables.tickets.c, tables.sameness_proposals.c
_IN_IT = text(tables.IN_INCIDENT)
_words = msgspec.json.Decoder(tuple[str, ...])

_lead = tables.tickets.alias("lead_of_incident")
STANDS_BEHIND_A_LEAD: ColumnElement[bool] = (
    select(_member.id)
    .join(_lead, _lead.c.id == _member.incident)
    .where(_member.ticket_id == _ticket.id, _member.left_at.is_(None), _member.leads.is_(False))
    .where(_lead.c.status.in_(sorted(str(one) for one in IN_HAND)))
    .correlate(tables.tickets)
    .exists()
)
"""The tickets that are no task of their own, because that of their lead is in hand: a unit's list leaves them out. Where the
lead's is done or gone while theirs is not, they are a task again."""

_earlier = tables.tickets.alias("earlier_of_two")
_mine, _others = tables.incident_members.alias("mine"), tables.incident_members.alias("others")
_HANDLED_TOGETHER = (
    select(_mine.c.id)
    .join(_others, _others.c.incident == _mine.c.incident)
    .where(_mine.c.ticket_id == _proposal.ticket_id, _others.c.ticket_id == _proposal.other_id)
    .where(_mine.c.left_at.is_(None), _others.c.left_at.is_(None))
    .correlate(tables.sameness_proposals)
    .exists()
)
MAY_REPEAT: Exists = (
    select(_proposal.ticket_id)
    .join(_earlier, _earlier.c.id == _proposal.other_id)
    .where(
        _proposal.ticket_id == _ticket.id, _proposal.state.in_([ProposalState.OPEN.value, ProposalState.REPEAT.value])
    )
    .where(_earlier.c.status.in_(sorted(str(one) for one in OPEN)), ~_HANDLED_TOGETHER)
    .correlate(tables.tickets)
    .exists()
)
"""The tickets of which nobody has said yet whether they tell again what an earlier one tells that is open still."""

Result = TypeVar("Result")
Joining = Callable[[Ticket, Ticket, int], tuple[Outcome, Outcome]]
"""What joining or leaving does to a member and its lead in an incident of that number."""


class Incidents:
    """The incidents of one database."""

    def __init__(self, engine: AsyncEngine, *, ticket_prefix: str, zone: ZoneInfo) -> None:
        self._engine = engine
        self._prefix = ticket_prefix
        self._zone = zone

    async def of(self, no: str) -> Incident | None:
        """The incident that a ticket is in now, with all who are or were in it; None where it is in none."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(_incident_of, no)

    async def join(
        self, no: str, other: str, work: Joining, found: Sameness, by: str, now: datetime, *, due: bool = False
    ) -> Incident:
        """Make a ticket a member of the incident that another leads or is in; begins one where there is none.

        A ticket that leads an incident brings along those that stand behind it. One that is in it already stays so and
        nothing happens. `due`: only where a proposal still waits to be joined by
        rule. What `work` raises is raised here; NotAllowed also for a ticket that is in another incident. Raises
        TicketNotFound.
        """

        def joining(connection: Connection) -> Incident:
            head = lock_head(connection)
            ids = _ids(connection, (no, other))
            lead_id = _incident_id(connection, ids[other]) or ids[other]
            mine = _incident_id(connection, ids[no])
            member = _one(connection, ids[no])
            lead = _one(connection, lead_id)
            if due and _state(connection, ids[no], ids[other]) is not ProposalState.DUE:
                return _known(connection, no, lead)
            if mine == lead_id:
                _decide(connection, ids[no], ids[other], ProposalState.ACCEPTED, by, now)
                return _known(connection, no, lead)
            if mine is not None and mine != member.id:
                raise NotAllowed(f"工单 {no} 已在另一同一事件之中，请先将它拆分出来")
            # Who leads an incident brings along those that stand behind it.
            coming = (member, *(_one(connection, one) for one in _behind(connection, member.id)))
            ledger = Ledger(connection, head, ticket_prefix=self._prefix, zone=self._zone)
            row = {"incident": lead_id, "joined_at": now, "joined_by": by, "left_by": ""}
            if _incident_id(connection, lead_id) is None:
                lead_row = {**row, "ticket_id": lead_id, "leads": True, "chance": 1.0, "why": "[]"}
                connection.execute(insert(tables.incident_members), [lead_row])
            for one in coming:
                of_member, of_lead = work(one, lead, lead_id)
                _ended(connection, _member.ticket_id == one.id, by, now)
                one_row = {"ticket_id": one.id, "leads": False, "chance": found.chance, "why": encoded(found.why)}
                connection.execute(insert(tables.incident_members), [{**row, **one_row}])
                ledger.change(one, of_member)
                lead = ledger.change(lead, of_lead)
            _decide(connection, ids[no], ids[other], ProposalState.ACCEPTED, by, now)
            ledger.flush()
            return _known(connection, no, lead)

        return await self._write(joining)

    async def leave(self, no: str, work: Joining, by: str, now: datetime) -> bool:
        """Take a member out of its incident; the incident ends with its last member. False where it is in none.

        NotAllowed for the lead: its members are taken out instead. What `work` raises is raised here. Raises TicketNotFound.
        """

        def leaving(connection: Connection) -> bool:
            head = lock_head(connection)
            ticket_id = _ids(connection, (no,))[no]
            incident = _incident_id(connection, ticket_id)
            if incident is None:
                return False
            if incident == ticket_id:
                raise NotAllowed(f"工单 {no} 是同一事件的主工单，请拆分其他工单")
            member, lead = _one(connection, ticket_id), _one(connection, incident)
            outcomes = work(member, lead, incident)
            ledger = Ledger(connection, head, ticket_prefix=self._prefix, zone=self._zone)
            _ended(connection, _member.ticket_id == ticket_id, by, now)
            if not _behind(connection, incident):
                _ended(connection, _member.ticket_id == incident, by, now)
            # Not again by rule: a person, or the end of the lead, has taken it out.
            pairs = and_(_proposal.ticket_id == ticket_id, _proposal.state == str(ProposalState.ACCEPTED))
            refused = {"state": str(ProposalState.REFUSED), "decided_at": now, "decided_by": by}
            connection.execute(update(tables.sameness_proposals).where(pairs).values(**refused))
            ledger.change(member, outcomes[0])
            ledger.change(lead, outcomes[1])
            ledger.flush()
            return True

        return await self._write(leaving)

    async def refuse(self, no: str, other: str, work: Callable[[Ticket], Outcome], by: str, now: datetime) -> bool:
        """A person says that a proposal is wrong. False where none stands. Raises TicketNotFound and what `work` raises."""

        def refusing(connection: Connection) -> bool:
            head = lock_head(connection)
            ids = _ids(connection, (no, other))
            if _state(connection, ids[no], ids[other]) not in _STANDS:
                return False
            ticket = _one(connection, ids[no])
            outcome = work(ticket)
            ledger = Ledger(connection, head, ticket_prefix=self._prefix, zone=self._zone)
            _decide(connection, ids[no], ids[other], ProposalState.REFUSED, by, now)
            ledger.change(ticket, outcome)
            ledger.flush()
            return True

        return await self._write(refusing)

    async def give_up(self, no: str, other: str) -> None:
        """What was to be joined by rule waits for a person instead: the tickets' own state did not let it."""

        def opened(connection: Connection) -> None:
            lock_head(connection)
            ids = _ids(connection, (no, other))
            pair = and_(_proposal.ticket_id == ids[no], _proposal.other_id == ids[other])
            still = _proposal.state == str(ProposalState.DUE)
            values = {"state": str(ProposalState.OPEN)}
            connection.execute(update(tables.sameness_proposals).where(pair, still).values(**values))

        await self._write(opened)

    async def proposals(self, no: str) -> list[Proposal]:
        """What is proposed about a ticket, as the later or the earlier of two, the likeliest first."""
        either = or_(_proposal.ticket_id == _id_of(no), _proposal.other_id == _id_of(no))
        return await self._proposals(either, limit=100)

    async def waiting(self, state: ProposalState, limit: int) -> list[Proposal]:
        """Proposals that are open or due, those of the oldest tickets first: who came first leads."""
        wanted = and_(text(tables.PROPOSAL_WAITS), _proposal.state == str(state))
        return await self._proposals(wanted, limit=limit, by_age=True)

    async def members_behind(self, lead_ids: Sequence[int]) -> dict[int, list[str]]:
        """By the id of a lead, the numbers of those that stand behind it now; leads only."""
        if not lead_ids:
            return {}
        statement = (
            select(_member.incident, _ticket.no)
            .join(tables.tickets, _ticket.id == _member.ticket_id)
            .where(_member.incident.in_(lead_ids), _member.leads.is_(False), _IN_IT)
            .order_by(_member.id)
        )
        found: dict[int, list[str]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(statement):
                found.setdefault(row.incident, []).append(row.no)
        return found

    async def _proposals(self, wanted: ColumnElement[bool], *, limit: int, by_age: bool = False) -> list[Proposal]:
        later, earlier = tables.tickets.alias("later"), tables.tickets.alias("earlier")
        order = (_proposal.ticket_id, _proposal.other_id) if by_age else (_proposal.chance.desc(), _proposal.ticket_id)
        statement = (
            select(tables.sameness_proposals, later.c.no.label("no"), earlier.c.no.label("other"))
            .join(later, later.c.id == _proposal.ticket_id)
            .join(earlier, earlier.c.id == _proposal.other_id)
            .where(wanted)
            .order_by(*order)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [_proposal_of(row) for row in await connection.execute(statement)]

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        async with writing(self._engine) as connection:
            return await connection.run_sync(work)


_STANDS = frozenset({ProposalState.OPEN, ProposalState.DUE, ProposalState.REPEAT})
"""The proposals of which nobody has said anything yet."""


def _id_of(no: str) -> Any:
    return select(_ticket.id).where(_ticket.no == no).scalar_subquery()


def _ids(connection: Connection, numbers: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(select(_ticket.no, _ticket.id).where(_ticket.no.in_(numbers)))
    found = {row.no: row.id for row in rows}
    if len(found) < len(set(numbers)):
        raise TicketNotFound
    return found


def _one(connection: Connection, ticket_id: int) -> Ticket:
    return tickets_on(connection, _ticket.id == ticket_id)[0]


def _incident_id(connection: Connection, ticket_id: int) -> int | None:
    statement = select(_member.incident).where(_member.ticket_id == ticket_id, _IN_IT)
    return connection.execute(statement).scalar_one_or_none()


def _behind(connection: Connection, incident: int) -> list[int]:
    """Ids of the tickets that stand behind the lead of an incident, in the order in which they joined."""
    statement = select(_member.ticket_id).where(_member.incident == incident, _member.leads.is_(False), _IN_IT)
    return list(connection.execute(statement.order_by(_member.id)).scalars())


def _incident_of(connection: Connection, no: str) -> Incident | None:
    number = connection.execute(select(_member.incident).where(_member.ticket_id == _id_of(no), _IN_IT)).scalar()
    if number is None:
        return None
    statement = (
        select(tables.incident_members, _ticket.no)
        .join(tables.tickets, _ticket.id == _member.ticket_id)
        .where(_member.incident == number)
        .order_by(_member.id)
    )
    return Incident(number, tuple(_member_of(row) for row in connection.execute(statement)))


def _known(connection: Connection, no: str, lead: Ticket) -> Incident:
    """The incident of a ticket; one of the lead alone where it is in none."""
    return _incident_of(connection, no) or Incident(lead.id, ())


def _member_of(row: Row[Any]) -> Member:
    return Member(
        row.no, row.leads, row.chance, _words.decode(row.why), row.joined_at, row.joined_by, row.left_at, row.left_by
    )


def _proposal_of(row: Row[Any]) -> Proposal:
    return Proposal(
        *(row.no, row.other, row.chance, _words.decode(row.why), row.same_reporter, ProposalState(row.state)),
        *(row.made_at, row.decided_at, row.decided_by),
    )


def _state(connection: Connection, ticket_id: int, other_id: int) -> ProposalState | None:
    statement = select(_proposal.state).where(_proposal.ticket_id == ticket_id, _proposal.other_id == other_id)
    found = connection.execute(statement).scalar_one_or_none()
    return ProposalState(found) if found is not None else None


def _decide(
    connection: Connection, ticket_id: int, other_id: int, state: ProposalState, by: str, now: datetime
) -> None:
    """Note what became of a proposal about two tickets, whichever of them is the later; there need not be one."""
    pair = or_(
        and_(_proposal.ticket_id == ticket_id, _proposal.other_id == other_id),
        and_(_proposal.ticket_id == other_id, _proposal.other_id == ticket_id),
    )
    values = {"state": str(state), "decided_at": now, "decided_by": by}
    connection.execute(update(tables.sameness_proposals).where(pair).values(**values))


def _ended(connection: Connection, whose: ColumnElement[bool], by: str, now: datetime) -> None:
    connection.execute(update(tables.incident_members).where(whose, _IN_IT).values(left_at=now, left_by=by))
