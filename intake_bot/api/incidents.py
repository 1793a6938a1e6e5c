"""`/api/v1/tickets/{no}/same`: what may be the same trouble as a ticket and why, and joining, taking out and refusing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from domain.disclosure import hidden_from_units
from domain.incident import Incident, Member, Proposal, ProposalState
from domain.limit import Stage
from domain.people import Role
from domain.ticket import STATUS_NAMES, Ticket
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.problems import FieldError, Problem, bad_fields, lifecycle_refusals, not_found
from intake_bot.api.routes import DESK, EVERYONE, Route, actor_of, house_of, json_answer
from intake_bot.api.schemas import MOMENT, NUMBER, TEXT, WHOLE, YES, Schema, list_of, one_of, or_null, record
from intake_bot.api.tickets import TICKET_NO, found_ticket
from intake_bot.api.views import moment
from intake_bot.house import House
from intake_bot.joining import join_by_hand, refuse_proposal, take_out
from storage.store import TicketNotFound

STATE_NAMES: dict[ProposalState, str] = {
    ProposalState.OPEN: "待认定",
    ProposalState.DUE: "即将按规则并入",
    ProposalState.ACCEPTED: "已认定",
    ProposalState.REFUSED: "已认定不是",
    ProposalState.REPEAT: "重复诉求",
}

_CHANCE: Schema = {**NUMBER, "minimum": 0, "maximum": 1}
_PROPOSAL = record(
    ticket_no=TEXT,
    other=TEXT,
    other_status_name=TEXT,
    chance=_CHANCE,
    why=list_of(TEXT),
    same_reporter=YES,
    state=one_of(ProposalState),
    state_name=TEXT,
    made_at=MOMENT,
)
_MEMBER = record(
    ticket_no=TEXT,
    status_name=TEXT,
    due_at=or_null(MOMENT),
    extended=YES,
    paused=YES,
    leads=YES,
    chance=_CHANCE,
    why=list_of(TEXT),
    joined_at=MOMENT,
    joined_by=TEXT,
)
_SAME = record(
    ticket_no=TEXT,
    incident={
        "anyOf": [
            record(
                number=WHOLE,
                lead=TEXT,
                members=list_of(_MEMBER),
                joined={**WHOLE, "description": "主工单以外的件数，含不便显示的"},
            ),
            {"type": "null"},
        ]
    },
    proposals={
        "type": "array",
        "items": _PROPOSAL,
        "description": "可能是同一事件的工单及理由；只向坐席和督办人员显示",
    },
)


@dataclass(frozen=True, slots=True)
class JoinBody:
    """认定为同一事件。`other`：另一件（先受理的）工单编号。"""

    other: str = ""


@dataclass(frozen=True, slots=True)
class LeaveBody:
    """拆分。`reason`：理由，记入全过程记录。"""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefuseBody:
    """认定不是同一事件。`other`：所提的另一件工单编号；`note`：说明。"""

    other: str = ""
    note: str = ""


def incident_routes() -> list[Route]:
    """What may be one event with a ticket, and the decisions about it."""
    answer = {200: ("同一事件与待认定的工单", _SAME)}

    def decision(word: str, handler: Callable[[web.Request], Awaitable[web.Response]], name: str, body: type) -> Route:
        path = f"/api/v1/tickets/{{no}}/same/{word}"
        return Route(
            "POST", path, handler, name, "actions", DESK, parameters=(TICKET_NO,), body=schema_of(body), answers=answer
        )

    return [
        Route(
            "GET",
            "/api/v1/tickets/{no}/same",
            get_same,
            "与一件工单可能是同一事件的工单，及已认定的同一事件",
            "tickets",
            EVERYONE,
            parameters=(TICKET_NO,),
            answers=answer,
        ),
        decision(
            "join", post_join, "认定为同一事件：并入另一件工单所在的事件，各自编号、时限、答复和评价不变", JoinBody
        ),
        decision("leave", post_leave, "拆分：从同一事件中分出，恢复单独办理", LeaveBody),
        decision("refuse", post_refuse, "认定不是同一事件", RefuseBody),
    ]


async def get_same(request: web.Request) -> web.Response:
    ticket = await found_ticket(request)
    return json_answer(await same_view(house_of(request), ticket, for_unit=actor_of(request).role is Role.BRIGADE))


async def post_join(request: web.Request) -> web.Response:
    house, actor, no = house_of(request), actor_of(request), request.match_info["no"]
    other = _named((await read_body(request, JoinBody)).other)
    return await _answered(request, join_by_hand(house, no, other, actor, house.now()))


async def post_leave(request: web.Request) -> web.Response:
    house, actor, no = house_of(request), actor_of(request), request.match_info["no"]
    reason = (await read_body(request, LeaveBody)).reason.strip()
    if not reason:
        raise bad_fields([FieldError("reason", "请填写拆分的理由（reason）")])
    return await _answered(request, take_out(house, no, actor, house.now(), reason))


async def post_refuse(request: web.Request) -> web.Response:
    house, actor, no = house_of(request), actor_of(request), request.match_info["no"]
    body = await read_body(request, RefuseBody)
    return await _answered(request, refuse_proposal(house, no, _named(body.other), actor, house.now(), body.note))


async def same_view(house: House, ticket: Ticket, *, for_unit: bool) -> dict[str, Any]:
    """What is shown of a ticket's incident and proposals.

    A unit sees which tickets it works on at once; of those of confidential reporters and of reports (举报) it learns only how
    many there are. It sees no proposals.
    """
    incident = await house.store.incidents.of(ticket.no)
    proposals = [] if for_unit else await house.store.incidents.proposals(ticket.no)
    numbers = {one.other if one.no == ticket.no else one.no for one in proposals}
    numbers |= {one.no for one in incident.members} if incident else set()
    known = {one.no: one for one in await house.store.tickets.several(sorted(numbers))}
    return {
        "ticket_no": ticket.no,
        "incident": _incident_view(incident, known, for_unit=for_unit) if incident else None,
        "proposals": [_proposal_view(one, known, ticket.no) for one in proposals],
    }


def _incident_view(incident: Incident, known: dict[str, Ticket], *, for_unit: bool) -> dict[str, Any]:
    shown = [
        one
        for one in (incident.lead, *incident.joined)
        if not (for_unit and not one.leads and hidden_from_units(known[one.no]))
    ]
    return {
        "number": incident.number,
        "lead": incident.lead.no,
        "members": [_member_view(one, known[one.no], for_unit=for_unit) for one in shown],
        "joined": len(incident.joined),
    }


def _member_view(member: Member, ticket: Ticket, *, for_unit: bool) -> dict[str, Any]:
    clock = ticket.lead.clock(Stage.RESOLVE) if ticket.lead is not None else None
    return {
        "ticket_no": member.no,
        "status_name": STATUS_NAMES[ticket.status],
        # Each has a deadline of its own: an extension of the lead's moves each by what its own rules allow.
        "due_at": moment(clock.due_at) if clock is not None and clock.stopped_at is None else None,
        "extended": clock is not None and clock.extended_by > 0,
        "paused": clock is not None and clock.paused,
        "leads": member.leads,
        "chance": member.chance,
        "why": [] if for_unit else list(member.why),
        "joined_at": moment(member.joined_at),
        "joined_by": member.joined_by,
    }


def _proposal_view(one: Proposal, known: dict[str, Ticket], no: str) -> dict[str, Any]:
    other = one.other if one.no == no else one.no
    name = "已有结果，可作重复诉求参考" if one.state is ProposalState.REPEAT and not one.same_reporter else ""
    return {
        "ticket_no": one.no,
        "other": other,
        "other_status_name": STATUS_NAMES[known[other].status],
        "chance": one.chance,
        "why": list(one.why),
        "same_reporter": one.same_reporter,
        "state": str(one.state),
        "state_name": name or STATE_NAMES[one.state],
        "made_at": moment(one.made_at),
    }


def _named(other: str) -> str:
    if not other.strip():
        raise bad_fields([FieldError("other", "请填写另一件工单的编号（other）")])
    return other.strip()


async def _answered(request: web.Request, decided: Awaitable[Incident | bool]) -> web.Response:
    """Carry a decision out and answer how it stands then. Refusals become problems."""
    no = request.match_info["no"]
    with lifecycle_refusals(no):
        try:
            changed = await decided
        except TicketNotFound:
            raise not_found(f"没有编号为“{no}”的工单，或没有所填的另一件工单") from None
    if not changed:
        raise Problem(409, "not-allowed", "现在不能这样做", f"工单 {no} 没有可以这样处理的同一事件或待认定的工单")
    return await get_same(request)
