"""`/desk/{no}/merge`: choosing the ticket that goes on, both side by side. The merging itself is the API's action."""

from __future__ import annotations

from aiohttp import web

from domain.incident import ProposalState
from domain.lifecycle import Action, allowed_actions
from domain.ticket import Status, Ticket
from intake_bot.api.filters import read_word
from intake_bot.api.problems import Problem, not_found
from intake_bot.api.routes import DESK, Route, actor_of, house_of
from intake_bot.api.views import reporter_view
from intake_bot.house import House
from intake_bot.pages.board_query import channel_names
from intake_bot.pages.desk_marks import SORT_NAMES, marked
from intake_bot.pages.rendering import page
from intake_bot.suggestions import LOOKING_BACK, told_about
from storage.tickets import TicketSummary

MOST_SUGGESTED = 8


def merge_routes() -> list[Route]:
    return [Route("GET", "/desk/{no}/merge", show_merge, "受理台：并单", "pages", DESK, page=True)]


async def show_merge(request: web.Request) -> web.Response:
    """Suggestions, and with `into` the chosen ticket beside this one."""
    house, actor = house_of(request), actor_of(request)
    ticket = await _existing(house, request.match_info["no"])
    if Action.MERGE not in allowed_actions(ticket, actor):
        raise Problem(409, "not-allowed", "现在不能这样做", f"工单 {ticket.no} 已经了结，不能再并单")
    typed = (read_word(request, "into") or "").strip().upper()
    into = await house.store.tickets.get(typed) if typed else None
    return page(
        request,
        "desk/merge.html",
        t=ticket,
        into=into,
        typed=typed,
        wrong=_refusal(ticket, into, typed),
        suggested=await _suggested(house, ticket),
        reporters={one.no: reporter_view(one, actor) for one in (ticket, into) if one is not None},
        pieces={one.no: marked(one.complaint.text, one.understanding) for one in (ticket, into) if one is not None},
        sorts=SORT_NAMES,
        channels=channel_names(house),
        name_of_unit=house.router.unit_name,
    )


async def _existing(house: House, no: str) -> Ticket:
    ticket = await house.store.tickets.get(no)
    if ticket is None:
        raise not_found(f"没有编号为“{no[:40]}”的工单")
    return ticket


def _refusal(ticket: Ticket, into: Ticket | None, typed: str) -> str:
    """Why the chosen ticket cannot go on for this one; empty where it can, or none is chosen."""
    if not typed:
        return ""
    if into is None:
        return f"没有编号为“{typed[:40]}”的工单，请核对编号"
    if into.no == ticket.no:
        return "不能把工单并入它自己"
    if into.status in {Status.MERGED, Status.REJECTED}:
        return f"工单 {into.no} 已并单或不予受理，请选择仍然有效的工单"
    return ""


async def _suggested(house: House, ticket: Ticket) -> list[tuple[TicketSummary, str]]:
    """Tickets that may be the same matter, each with the reason: what is proposed first, then same caller, then same place."""
    now = house.now()
    reasons = {
        one.other if one.no == ticket.no else one.no: "；".join(one.why)
        for one in await house.store.incidents.proposals(ticket.no)
        if one.state is not ProposalState.REFUSED
    }
    reporter = ticket.complaint.reporter
    caller = await house.store.tickets.of_number(reporter.phone or reporter.contact, limit=MOST_SUGGESTED)
    there = await told_about(house, [ticket.complaint.place.address, *ticket.understanding.places], now - LOOKING_BACK)
    for found, why in ((caller, "同一号码"), (there, "提到同一地点")):
        for summary in found:
            reasons.setdefault(summary.ticket_no, why)
    known = {one.ticket_no: one for one in (*caller, *there)}
    known |= {one.ticket_no: one for one in await house.store.tickets.summaries(reasons.keys() - known.keys())}
    gone = {Status.MERGED, Status.REJECTED}
    return [
        (known[no], why)
        for no, why in reasons.items()
        if no != ticket.no and no in known and known[no].status not in gone
    ][:MOST_SUGGESTED]
