"""How tickets look from outside: the promised answer to a channel, and the ticket for those who work on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.complaint import KIND_NAMES, URGENCY_NAMES, Complaint, Reporter
from domain.disclosure import for_unit, sees_reporter
from domain.lifecycle import ACTION_NAMES, allowed_actions
from domain.light import LIGHT_NAMES
from domain.limit import STAGE_NAMES
from domain.people import Actor, Role
from domain.privacy import masked_name, masked_phone
from domain.ticket import LEVEL_NAMES, STATUS_NAMES, Assignment, Clock, PressOrder, Status, Ticket
from domain.worktime import local
from intake_bot.house import House


def moment(at: datetime | None) -> str | None:
    """A time as people here read it: ISO 8601 with +08:00, to the second."""
    return written(at) if at else None


def written(at: datetime) -> str:
    """`moment` of a time that there is."""
    return local(at).isoformat(timespec="seconds")


def answer(house: House, ticket: Ticket, *, duplicate: bool) -> dict[str, Any]:
    """What a channel is told about an accepted complaint."""
    lead = ticket.lead if ticket.status is not Status.TRIAGE else None
    told: dict[str, Any] = {
        "ticket_no": ticket.no,
        "duplicate": duplicate,
        "status": ticket.status,
        "kind": ticket.kind,
        "category": {"code": ticket.category, "name": ticket.category_name},
        "brigade": _unit(house, lead),
        "cell": _cell(house, lead),
        "confidence": round(ticket.understanding.confidence, 4),
        "why": "；".join(ticket.why),
    }
    if ticket.refer_to:
        told["refer_to"] = {"code": ticket.refer_to, "name": ticket.refer_to_name}
    if ticket.merged_into:
        told["merged_into"] = ticket.merged_into
    return told


def _unit(house: House, share: Assignment | None) -> dict[str, str] | None:
    return {"code": share.unit, "name": house.router.unit_name(share.unit)} if share else None


def _cell(house: House, share: Assignment | None) -> dict[str, str] | None:
    if share is None or not share.cell:
        return None
    return {"code": share.cell, "name": house.router.cell_name(share.cell)}


def ticket_view(house: House, ticket: Ticket, actor: Actor) -> dict[str, Any]:
    """A ticket for somebody of ours. What identifies the reporter is shown by role: see `reporter_view`."""
    complaint = ticket.complaint
    unit = actor.role is Role.BRIGADE

    def told(text: str) -> str:
        """A unit reads numbers in a text only by a look that is on record (`reporters`)."""
        return for_unit(text, ticket) if unit else text

    point = complaint.place.point
    lead = ticket.lead
    return {
        **answer(house, ticket, duplicate=False),
        "why": told("；".join(ticket.why)),
        "version": ticket.version,
        "status_name": STATUS_NAMES[ticket.status],
        "kind_name": KIND_NAMES[ticket.kind],
        "urgency": ticket.urgency,
        "urgency_name": URGENCY_NAMES[ticket.urgency],
        "light": ticket.light,
        "light_name": LIGHT_NAMES[ticket.light],
        "channel": complaint.channel,
        "source_no": complaint.source_no,
        "source_version": ticket.source_version,
        "title": told(complaint.title),
        "content": told(complaint.content),
        "address": told(complaint.place.address),
        "point": {"longitude": point.longitude, "latitude": point.latitude} if point else None,
        "party": told(complaint.party),
        "appeal": told(complaint.appeal),
        "reporter": reporter_view(ticket, actor),
        "claimed": {
            "kind": complaint.claimed_kind,
            "kind_word": complaint.claimed_kind_word,
            "urgency": complaint.claimed_urgency,
            "codes": [
                {"scheme": code.scheme, "version": code.version, "code": code.code, "name": code.name}
                for code in complaint.codes
            ],
        },
        "attachments": [{"name": one.name, "url": one.url} for one in complaint.attachments],
        "understanding": {
            "engine": ticket.understanding.engine,
            "version": ticket.understanding.version,
            "kind": ticket.understanding.kind,
            "kind_confidence": round(ticket.understanding.kind_confidence, 4),
            "category": ticket.understanding.category,
            "runners_up": ticket.understanding.runners_up,
            "words": [replace(one, text=told(one.text)) for one in ticket.understanding.words],
            "places": [told(one) for one in ticket.understanding.places],
            "risks": ticket.understanding.risks,
            "times": [
                {"text": one.text, "from": moment(one.start), "to": moment(one.end), "recurring": one.recurring}
                for one in ticket.understanding.times
            ],
            "parties": [{"text": told(one.text), "kind": one.kind} for one in ticket.understanding.parties],
            "matters": [{"text": told(one.text), "category": one.category} for one in ticket.understanding.matters],
        },
        "problems": ticket.problems,
        "reported_at": moment(complaint.reported_at),
        "created_at": moment(ticket.created_at),
        "due_inner": moment(ticket.due_inner),
        "due_outer": moment(ticket.due_outer),
        "resolved_at": moment(ticket.resolved_at),
        "followed_up_at": moment(ticket.followed_up_at),
        "solved": ticket.solved,
        "satisfaction": ticket.satisfaction,
        "closed_at": moment(ticket.closed_at),
        "counts": {
            "returns": ticket.returns,
            "redispatches": ticket.redispatches,
            "extensions": ticket.extensions,
            "urges": ticket.urges,
            "presses": ticket.presses,
            "rehandled": ticket.rehandled,
        },
        "assignments": [_assignment_view(house, one) for one in ticket.assignments],
        "orders": [_order_view(one) for one in ticket.orders],
        "desk_clocks": [_clock_view(one) for one in ticket.desk_clocks],
        "gaps": [
            {"code": gap.code, "assignment": gap.position, "blocking": gap.blocking, "opened_at": moment(gap.opened_at)}
            for gap in ticket.gaps
            if gap.cured_at is None
        ],
        "lead": lead.position if lead else None,
        "allowed": [{"action": one, "name": ACTION_NAMES[one]} for one in allowed_actions(ticket, actor)],
    }


def supplement_view(ticket: Ticket, added: Complaint, actor: Actor) -> dict[str, Any]:
    """What was sent for a ticket later: in another wording by a platform, or in addition by the citizen.

    A secret once asked for holds for all of it.
    """
    secret = added.reporter.confidential or ticket.complaint.reporter.confidential
    later = replace(ticket, complaint=replace(added, reporter=replace(added.reporter, confidential=secret)))
    point = added.place.point
    return {
        "received_at": moment(added.received_at),
        "source_version": added.source_version,
        "content": for_unit(added.content, later) if actor.role is Role.BRIGADE else added.content,
        "address": added.place.address,
        "point": {"longitude": point.longitude, "latitude": point.latitude} if point else None,
        "reporter": reporter_view(later, actor),
        "attachments": [{"name": one.name, "url": one.url} for one in added.attachments],
    }


def reporter_view(ticket: Ticket, actor: Actor) -> dict[str, Any]:
    """The reporter as this role may see them: whole for the desk, masked for a brigade, hidden where it is confidential."""
    reporter: Reporter = ticket.complaint.reporter
    flags = {"anonymous": reporter.anonymous, "confidential": reporter.confidential}
    if not sees_reporter(ticket, actor):
        return {**flags, "name": "", "phone": "", "contact": ""}
    if actor.role is Role.BRIGADE:
        return {
            **flags,
            "name": masked_name(reporter.name),
            "phone": masked_phone(reporter.phone),
            "contact": masked_phone(reporter.contact),
        }
    return {**flags, "name": reporter.name, "phone": reporter.phone, "contact": reporter.contact}


def _assignment_view(house: House, share: Assignment) -> dict[str, Any]:
    name = house.router.person_name
    return {
        "assignment": share.position,
        "share": share.share,
        "brigade": _unit(house, share),
        "cell": _cell(house, share),
        "status": share.status,
        "light": share.light,
        "owner": {"account": share.owner, "name": name(share.owner)},
        "backup": {"account": share.backup, "name": name(share.backup)},
        "handler": {"account": share.handler, "name": name(share.handler)},
        "stands_in_for": share.stands_in_for,
        "suspended_until": moment(share.suspended_until),
        "dispatched_at": moment(share.dispatched_at),
        "accepted_at": moment(share.accepted_at),
        "contacted_at": moment(share.contacted_at),
        "resolved_at": moment(share.resolved_at),
        "ended_at": moment(share.ended_at),
        "return_barred": share.return_barred,
        "request": share.request,
        "result": share.result,
        "clocks": [_clock_view(clock) for clock in share.clocks],
    }


def _order_view(order: PressOrder) -> dict[str, Any]:
    return {
        "number": order.number,
        "assignment": order.position,
        "level": order.level,
        "level_name": LEVEL_NAMES[order.level],
        "cause": order.cause,
        "requirement": order.requirement,
        "issued_at": moment(order.issued_at),
        "due_at": moment(order.due_at),
        "answer": order.answer,
        "answered_at": moment(order.answered_at),
        "open": order.open,
    }


def _clock_view(clock: Clock) -> dict[str, Any]:
    return {
        "stage": clock.stage,
        "name": STAGE_NAMES[clock.stage],
        "limit": clock.limit,
        "rule": clock.rule,
        "round": clock.round,
        "light": clock.light,
        "started_at": moment(clock.started_at),
        "yellow_at": moment(clock.yellow_at),
        "due_at": moment(clock.due_at),
        "original_due_at": moment(clock.original_due_at),
        "paused_at": moment(clock.paused_at),
        "pauses": [{"from": moment(start), "to": moment(end)} for start, end in clock.pauses],
        "stopped_at": moment(clock.stopped_at),
        "provisional": clock.provisional,
        "reasons": clock.reasons,
    }
