"""Between the domain's types and rows: one function each way. JSON columns are spelled by msgspec."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from domain.complaint import Complaint, Kind, Reporter, Urgency
from domain.event import COUNTED, Event
from domain.light import Light
from domain.limit import Stage
from domain.outcome import Notice
from domain.privacy import masked_text
from domain.ticket import Assignment, Clock, Gap, PressCause, PressLevel, PressOrder, Share, Status, Ticket
from domain.understanding import Understanding
from storage.keyring import Keyring

Row = dict[str, Any]
Stored = Mapping[Any, Any]
"""A row as SQLAlchemy gives it, by column name."""

_encoder = msgspec.json.Encoder()
_complaint_decoder = msgspec.json.Decoder(Complaint)
_reporter_decoder = msgspec.json.Decoder(Reporter)
_understanding_decoder = msgspec.json.Decoder(Understanding)
_words_decoder = msgspec.json.Decoder(tuple[str, ...])
_pauses_decoder = msgspec.json.Decoder(tuple[tuple[datetime, datetime], ...])
_NOBODY = Reporter()

EXCERPT = 80
"""Characters of the content that lists show."""


def notice_row(notice: Notice, number: int, key: str, at: datetime) -> Row:
    """A row of the outbox for the `number`th notice of what `key` names."""
    return {
        "destination": notice.to,
        "about": notice.about,
        "payload": encoded(notice.data),
        "idempotency_key": f"{key}-{number}",
        "created_at": at,
        "attempts": 0,
        "next_attempt_at": at + notice.hold,
        "last_error": "",
        "foldable": notice.hold > timedelta(0),
    }


def encoded(value: object) -> str:
    """JSON text of a value of the domain."""
    return _encoder.encode(value).decode()


def complaint_row(ticket_id: int, ordinal: int, complaint: Complaint) -> Row:
    """The reporter stands in a column of its own, and what was sent in another."""
    return {
        "ticket_id": ticket_id,
        "ordinal": ordinal,
        "source_version": complaint.source_version,
        "received_at": complaint.received_at,
        "document": encoded(replace(complaint, reporter=_NOBODY, raw=b"")),
        "reporter": encoded(complaint.reporter),
        "raw": complaint.raw,
        "raw_type": complaint.raw_type,
    }


def complaint_of(row: Stored) -> Complaint:
    """The complaint without its raw body, which is read only on demand."""
    return replace(_complaint_decoder.decode(row["document"]), reporter=_reporter_decoder.decode(row["reporter"]))


def reporter_key(reporter: Reporter, keyring: Keyring) -> str:
    """What tells that two complaints come from the same number, without being it; empty where no number is known."""
    digits = "".join(filter(str.isdigit, reporter.phone or reporter.contact))
    return keyring.digest(digits.encode()).hex() if digits else ""


def understanding_of(written: str) -> Understanding:
    """What the model said, as it was stored."""
    return _understanding_decoder.decode(written)


def ticket_row(ticket: Ticket, keyring: Keyring) -> Row:
    complaint = ticket.complaint
    lead = ticket.lead
    return {
        "id": ticket.id,
        "no": ticket.no,
        "channel": complaint.channel,
        "source_no": complaint.source_no,
        "source_version": ticket.source_version,
        "kind": ticket.kind.value,
        "category": ticket.category,
        "category_name": ticket.category_name,
        "urgency": ticket.urgency.value,
        "status": ticket.status.value,
        "light": ticket.light.value,
        "unit": lead.unit if lead else "",
        "area": lead.area if lead else "",
        "cell": lead.cell if lead else "",
        "handler": lead.handler if lead else "",
        "excerpt": masked_text(complaint.text[: 2 * EXCERPT])[:EXCERPT],
        "confidential": complaint.reporter.confidential,
        "reporter_key": reporter_key(complaint.reporter, keyring),
        "confidence": ticket.understanding.confidence,
        "engine": ticket.understanding.engine,
        "model_version": ticket.understanding.version,
        "understanding": encoded(ticket.understanding),
        "risky": bool(ticket.understanding.risks),
        "why": encoded(ticket.why),
        "problems": encoded(ticket.problems),
        "refer_to": ticket.refer_to,
        "refer_to_name": ticket.refer_to_name,
        "merged_into": ticket.merged_into,
        "solved": ticket.solved,
        "satisfaction": ticket.satisfaction,
        "returns": ticket.returns,
        "redispatches": ticket.redispatches,
        "extensions": ticket.extensions,
        "urges": ticket.urges,
        "presses": ticket.presses,
        "rehandled": ticket.rehandled,
        "reported_at": complaint.reported_at,
        "created_at": ticket.created_at,
        "due_inner": ticket.due_inner,
        "due_outer": ticket.due_outer,
        "resolved_at": ticket.resolved_at,
        "followed_up_at": ticket.followed_up_at,
        "closed_at": ticket.closed_at,
        "version": ticket.version,
    }


def assignment_row(ticket_id: int, share: Assignment) -> Row:
    return {
        "ticket_id": ticket_id,
        "position": share.position,
        "share": share.share.value,
        "unit": share.unit,
        "area": share.area,
        "cell": share.cell,
        "owner": share.owner,
        "backup": share.backup,
        "handler": share.handler,
        "status": share.status.value,
        "light": share.light.value,
        "return_barred": share.return_barred,
        "extensions": share.extensions,
        "result": share.result,
        "request": encoded(share.request) if share.request is not None else None,
        "stands_in_for": share.stands_in_for,
        "suspended_until": share.suspended_until,
        "dispatched_at": share.dispatched_at,
        "accepted_at": share.accepted_at,
        "contacted_at": share.contacted_at,
        "resolved_at": share.resolved_at,
        "ended_at": share.ended_at,
    }


def clock_row(ticket_id: int, position: int, clock: Clock) -> Row:
    return {
        "ticket_id": ticket_id,
        "position": position,
        "stage": clock.stage.value,
        "round": clock.round,
        "limit": clock.limit,
        "rule": clock.rule,
        "reasons": encoded(clock.reasons),
        "light": clock.light.value,
        "provisional": clock.provisional,
        "started_at": clock.started_at,
        "yellow_at": clock.yellow_at,
        "due_at": clock.due_at,
        "original_due_at": clock.original_due_at,
        "extended_by": clock.extended_by,
        "paused_at": clock.paused_at,
        "pauses": encoded(clock.pauses),
        "stopped_at": clock.stopped_at,
        "rungs": 0,  # of a new clock; what a stored one has climbed is counted in the table only (`writer.Climb`)
    }


def clock_rows(ticket: Ticket) -> list[Row]:
    """All clocks of a ticket: those of the desk (position 0) and of every share."""
    rows = [clock_row(ticket.id, 0, clock) for clock in ticket.desk_clocks]
    rows += [clock_row(ticket.id, share.position, clock) for share in ticket.assignments for clock in share.clocks]
    return rows


def gap_row(ticket_id: int, gap: Gap) -> Row:
    return {
        "ticket_id": ticket_id,
        "position": gap.position,
        "code": gap.code,
        "opened_at": gap.opened_at,
        "blocking": gap.blocking,
        "cured_at": gap.cured_at,
    }


def order_row(ticket_id: int, order: PressOrder) -> Row:
    return {
        "ticket_id": ticket_id,
        "number": order.number,
        "position": order.position,
        "level": order.level.value,
        "cause": order.cause.value,
        "requirement": order.requirement,
        "issued_at": order.issued_at,
        "issued_by": order.issued_by,
        "due_at": order.due_at,
        "answer": order.answer,
        "answered_at": order.answered_at,
        "answered_by": order.answered_by,
        "lapsed_at": order.lapsed_at,
        "reported_at": order.reported_at,
    }


SALT = 32
"""Characters of chance before the words of an event: of words that are gone, their digest tells nothing."""


@dataclass(frozen=True, slots=True)
class Parted:
    """An event as it is stored: `counted` has only what figures are counted from, `words` all else as JSON behind a salt."""

    counted: Event
    words: str | None
    words_digest: str


def parted(event: Event) -> Parted:
    """Take an event apart. Its words are None, and their digest is empty, where it has none."""
    words = {name: value for name, value in event.data.items() if name not in COUNTED}
    if not words:
        return Parted(event, None, "")
    written = secrets.token_hex(SALT // 2) + encoded(words)
    counted = {name: value for name, value in event.data.items() if name in COUNTED}
    return Parted(replace(event, data=counted), written, digest_of_words(written))


def digest_of_words(written: str) -> str:
    """What stands for the words of an event in the chain."""
    return hashlib.sha256(written.encode()).hexdigest()


def event_row(sequence: int, ticket_id: int, stored: Parted, hash_: str) -> Row:
    event = stored.counted
    return {
        "sequence": sequence,
        "ticket_id": ticket_id,
        "position": event.position,
        "action": event.action,
        "at": event.at,
        "actor": event.actor,
        "role": str(event.role),
        "data": encoded(event.data),
        "words": stored.words,
        "words_digest": stored.words_digest,
        "hash": hash_,
    }


def event_of(row: Stored) -> Event:
    """The event with all that it says, as far as that is still kept."""
    counted = counted_event_of(row)
    words = row["words"]
    return replace(counted, data={**msgspec.json.decode(words[SALT:]), **counted.data}) if words else counted


def counted_event_of(row: Stored) -> Event:
    """The event without its words, as it is chained."""
    return Event(row["action"], row["at"], row["actor"], row["role"], row["position"], msgspec.json.decode(row["data"]))


def ticket_of(
    row: Stored,
    complaint: Stored,
    shares: Sequence[Stored],
    clocks: Sequence[Stored],
    gaps: Sequence[Stored],
    orders: Sequence[Stored],
) -> Ticket:
    """The whole aggregate from its rows."""
    by_position: dict[int, list[Clock]] = {}
    for one in sorted(clocks, key=_by_stage):
        by_position.setdefault(one["position"], []).append(_clock_of(one))
    return Ticket(
        id=row["id"],
        no=row["no"],
        complaint=complaint_of(complaint),
        understanding=understanding_of(row["understanding"]),
        kind=Kind(row["kind"]),
        category=row["category"],
        category_name=row["category_name"],
        urgency=Urgency(row["urgency"]),
        status=Status(row["status"]),
        created_at=row["created_at"],
        why=_words_decoder.decode(row["why"]),
        problems=_words_decoder.decode(row["problems"]),
        refer_to=row["refer_to"],
        refer_to_name=row["refer_to_name"],
        assignments=tuple(_assignment_of(one, tuple(by_position.get(one["position"], ()))) for one in shares),
        desk_clocks=tuple(by_position.get(0, ())),
        gaps=tuple(
            Gap(one["code"], one["position"], one["opened_at"], one["blocking"], one["cured_at"]) for one in gaps
        ),
        orders=tuple(_order_of(one) for one in orders),
        light=Light(row["light"]),
        due_outer=row["due_outer"],
        returns=row["returns"],
        redispatches=row["redispatches"],
        extensions=row["extensions"],
        urges=row["urges"],
        presses=row["presses"],
        rehandled=row["rehandled"],
        merged_into=row["merged_into"],
        resolved_at=row["resolved_at"],
        followed_up_at=row["followed_up_at"],
        solved=row["solved"],
        satisfaction=row["satisfaction"],
        closed_at=row["closed_at"],
        source_version=row["source_version"],
        version=row["version"],
    )


def _order_of(row: Stored) -> PressOrder:
    return PressOrder(
        number=row["number"],
        position=row["position"],
        level=PressLevel(row["level"]),
        cause=PressCause(row["cause"]),
        requirement=row["requirement"],
        issued_at=row["issued_at"],
        issued_by=row["issued_by"],
        due_at=row["due_at"],
        answer=row["answer"],
        answered_at=row["answered_at"],
        answered_by=row["answered_by"],
        lapsed_at=row["lapsed_at"],
        reported_at=row["reported_at"],
    )


_STAGE_ORDER = {stage.value: place for place, stage in enumerate(Stage)}


def _by_stage(row: Stored) -> tuple[int, int]:
    """Clocks stand in the order of their stages, not of the words."""
    return _STAGE_ORDER[row["stage"]], row["round"]


def _assignment_of(row: Stored, clocks: tuple[Clock, ...]) -> Assignment:
    return Assignment(
        position=row["position"],
        share=Share(row["share"]),
        unit=row["unit"],
        status=Status(row["status"]),
        dispatched_at=row["dispatched_at"],
        owner=row["owner"],
        backup=row["backup"],
        handler=row["handler"],
        area=row["area"],
        cell=row["cell"],
        light=Light(row["light"]),
        clocks=clocks,
        return_barred=row["return_barred"],
        extensions=row["extensions"],
        accepted_at=row["accepted_at"],
        contacted_at=row["contacted_at"],
        resolved_at=row["resolved_at"],
        ended_at=row["ended_at"],
        result=row["result"],
        stands_in_for=row["stands_in_for"],
        suspended_until=row["suspended_until"],
        request=msgspec.json.decode(row["request"]) if row["request"] is not None else None,
    )


def _clock_of(row: Stored) -> Clock:
    return Clock(
        stage=Stage(row["stage"]),
        limit=row["limit"],
        rule=row["rule"],
        started_at=row["started_at"],
        due_at=row["due_at"],
        yellow_at=row["yellow_at"],
        original_due_at=row["original_due_at"],
        provisional=row["provisional"],
        reasons=_words_decoder.decode(row["reasons"]),
        light=Light(row["light"]),
        stopped_at=row["stopped_at"],
        round=row["round"],
        extended_by=row["extended_by"],
        paused_at=row["paused_at"],
        pauses=_pauses_decoder.decode(row["pauses"]),
    )
