"""受理: a complaint becomes a ticket, or adds to the one it already is. Pure: storage saves what comes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.category import Category
from domain.complaint import CITIZEN_SOURCES, Complaint, Kind
from domain.event import Event
from domain.outcome import Notice, Outcome
from domain.people import Actor
from domain.planning import Planner
from domain.privacy import masked_text
from domain.routing import Destination, Routing
from domain.settling import at_desk, ended, settled
from domain.ticket import IN_HAND, Clock, Status, Ticket
from domain.understanding import Understanding

STATUS_OF = {
    Destination.UNIT: Status.DISPATCHED,
    Destination.DESK: Status.TRIAGE,
    Destination.OUTSIDE: Status.TRANSFERRED,
}


def open_ticket(
    complaint: Complaint,
    understanding: Understanding,
    category: Category | None,
    kind: Kind,
    routing: Routing,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """The draft of a new ticket with its first events. `category` None: the model named a leaf that is gone."""
    ticket = settled(
        Ticket(
            id=0,
            no="",
            complaint=complaint,
            understanding=understanding,
            kind=kind,
            category=category.code if category else understanding.category.code,
            category_name=category.name if category else understanding.category.name,
            urgency=routing.urgency,
            status=STATUS_OF[routing.destination],
            created_at=now,
            why=routing.why,
            problems=routing.problems,
            refer_to=routing.department.code if routing.department else "",
            refer_to_name=routing.department.name if routing.department else "",
            assignments=routing.assignments,
            desk_clocks=routing.desk_clocks,
            due_outer=complaint.due_outer,
            source_version=complaint.source_version,
        )
    )
    received = Event(
        "received",
        now,
        actor.name,
        actor.role,
        data={
            "channel": complaint.channel,
            "source_no": complaint.source_no,
            "kind": kind,
            "category": ticket.category,
            "urgency": ticket.urgency,
            "confidence": round(understanding.confidence, 4),
            "model": f"{understanding.engine}/{understanding.version}",
        },
    )
    return Outcome(ticket, (received, destination_event(ticket, routing, actor, now)), notices_of(ticket, routing))


def destination_event(ticket: Ticket, routing: Routing, actor: Actor, now: datetime) -> Event:
    """What the routing did with the ticket, with the reason in words."""
    if routing.destination is Destination.UNIT:
        return Event(
            "dispatched",
            now,
            actor.name,
            actor.role,
            position=routing.assignments[0].position,
            data={
                "units": [
                    {"unit": one.unit, "share": one.share, "cell": one.cell, "handler": one.handler}
                    for one in routing.assignments
                ],
                "why": list(routing.why),
            },
        )
    if routing.destination is Destination.OUTSIDE:
        return Event(
            "referred", now, actor.name, actor.role, data={"department": ticket.refer_to, "why": list(routing.why)}
        )
    return Event("sent_to_desk", now, actor.name, actor.role, data={"why": list(routing.why)})


def notices_of(ticket: Ticket, routing: Routing) -> tuple[Notice, ...]:
    """Whom to tell of a new routing: each unit's handler; the platform when it is not ours."""
    if routing.destination is Destination.OUTSIDE:
        return channel_notice(ticket, "referred", {"department": ticket.refer_to_name})
    return tuple(
        Notice(f"account:{one.handler}", "dispatched", {"position": one.position, "category": ticket.category_name})
        for one in routing.assignments
        if one.handler
    )


def channel_notice(ticket: Ticket, about: str, data: dict[str, object]) -> tuple[Notice, ...]:
    """A report to the platform the complaint came from; nothing where it came to ourselves."""
    if not ticket.complaint.awaits_reports:
        return ()
    return (Notice(f"channel:{ticket.complaint.channel}", about, _addressed(ticket) | data),)


def _addressed(ticket: Ticket) -> dict[str, object]:
    """The platform's own number of the ticket, with the newest re-handling suffix that it has sent."""
    return {"source_no": ticket.complaint.source_no, "source_version": ticket.source_version}


_COMPARED = (
    "title",
    "content",
    "claimed_kind",
    "claimed_urgency",
    "codes",
    "reporter",
    "place",
    "party",
    "appeal",
    "due_outer",
    "attachments",
    "reported_at",
)


def differing(before: Complaint, after: Complaint) -> list[str]:
    """The fields in which two sendings of a matter differ; when and how each came makes no difference."""
    return [name for name in _COMPARED if getattr(before, name) != getattr(after, name)]


def received_again(existing: Ticket, draft: Outcome, actor: Actor, now: datetime, planner: Planner) -> Outcome | None:
    """The same source number came again.

    The same version: a difference is kept as an event that names the fields; nothing new gives None. A newer version
    (重办, suffix `-01`): an unfinished ticket goes on and notes it; a finished one is worked again, by today's routing of
    what the model reads in it or, where a person had corrected the model, of what that person said.
    From a citizen who speaks to us, a newer version is what they add, and changes nothing by itself.
    """
    complaint = draft.ticket.complaint
    changed = differing(existing.complaint, complaint)
    if complaint.source_version <= existing.source_version:
        if not changed:
            return None
        return Outcome(existing, (Event("sent_differently", now, actor.name, actor.role, data={"fields": changed}),))
    if complaint.channel in CITIZEN_SOURCES:
        return _supplemented(existing, complaint, actor, now)
    resent = Event(
        "sent_again", now, actor.name, actor.role, data={"version": complaint.source_version, "fields": changed}
    )
    ticket = replace(existing, source_version=complaint.source_version)
    if existing.status in IN_HAND or existing.status in {Status.TRIAGE, Status.MERGED}:
        return Outcome(replace(ticket, urges=ticket.urges + 1), (resent,))
    return _reopened(ticket, _as_corrected(existing, draft, actor, now, planner), resent, actor, now)


def _as_corrected(existing: Ticket, draft: Outcome, actor: Actor, now: datetime, planner: Planner) -> Outcome:
    """The draft with the category and the kind that a person gave the ticket against the model, routed by these."""
    read = existing.understanding
    leaf = planner.category(existing.category)
    if leaf is None or (existing.category, existing.kind) == (read.category.code, read.kind):
        return draft
    fresh = draft.ticket
    routing = planner.plan(replace(fresh, assignments=()), now, category=leaf.code, kind=existing.kind)
    return open_ticket(fresh.complaint, fresh.understanding, leaf, existing.kind, routing, actor, now)


def _supplemented(ticket: Ticket, complaint: Complaint, actor: Actor, now: datetime) -> Outcome:
    """补充: what the reporter adds stands in the record, and whoever works on the matter is told."""
    added = Event(
        "supplemented",
        now,
        actor.name,
        actor.role,
        data={
            "version": complaint.source_version,
            "text": masked_text(complaint.content),
            "place": masked_text(complaint.place.address),
            "photos": [one.url for one in complaint.attachments],
        },
    )
    told = tuple(
        Notice(f"account:{one.handler}", "supplemented", {"position": one.position})
        for one in ticket.assignments
        if one.in_hand and one.handler
    )
    return Outcome(replace(ticket, source_version=complaint.source_version), (added,), told)


def _reopened(ticket: Ticket, draft: Outcome, resent: Event, actor: Actor, now: datetime) -> Outcome:
    """A finished ticket starts another round with the matter, shares and clocks that today's routing gives it."""
    fresh, round_ = draft.ticket, ticket.rehandled + 2
    offset = len(ticket.assignments)
    again = tuple(
        replace(one, position=one.position + offset, clocks=_in_round(one.clocks, round_)) for one in fresh.assignments
    )
    reopened = settled(
        replace(
            ticket,
            status=fresh.status,
            assignments=tuple(ended(one, now) for one in ticket.assignments) + again,
            desk_clocks=at_desk(ticket, fresh.desk_clocks, now),
            rehandled=ticket.rehandled + 1,
            refer_to=fresh.refer_to,
            refer_to_name=fresh.refer_to_name,
            due_outer=fresh.due_outer or ticket.due_outer,
            kind=fresh.kind,
            category=fresh.category,
            category_name=fresh.category_name,
            urgency=fresh.urgency,
            understanding=fresh.understanding,
            why=fresh.why,
            problems=fresh.problems,
            resolved_at=None,
            followed_up_at=None,
            closed_at=None,
            solved="",
            satisfaction="",
        )
    )
    dispatched = Event(
        "reopened",
        now,
        actor.name,
        actor.role,
        position=again[0].position if again else 0,
        data={"category": fresh.category, "units": [one.unit for one in again], "why": list(fresh.why)},
    )
    to_units = tuple(
        Notice(f"account:{one.handler}", "reopened", {"position": one.position}) for one in again if one.handler
    )
    to_platform = tuple(one for one in draft.notices if one.to.startswith("channel:"))
    return Outcome(reopened, (resent, dispatched), to_units + to_platform)


def _in_round(clocks: tuple[Clock, ...], round_: int) -> tuple[Clock, ...]:
    return tuple(replace(clock, round=round_) for clock in clocks)
