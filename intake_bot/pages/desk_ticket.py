"""One ticket as the desk works on it: everything that is known, why, and the forms of all that may be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from domain.complaint import KIND_NAMES, Kind, Urgency
from domain.lifecycle import Action, allowed_actions
from domain.limit import Limit, Stage
from domain.people import Actor, Role
from domain.ticket import LEVEL_NAMES, WAITING, Assignment, Clock, Ticket
from domain.understanding import Guess
from intake_bot.api.incidents import same_view
from intake_bot.api.views import reporter_view
from intake_bot.house import House
from intake_bot.pages.board_query import channel_names, unit_names
from intake_bot.pages.desk_marks import SORT_NAMES, marked
from intake_bot.pages.desk_words import GRAVE, first_of_all, risk_name
from intake_bot.pages.story import own_pictures, story_of
from nlu.replies import ReplyCheck, check_reply
from storage.tickets import StoredEvent

MOST_CHOICES = 3


@dataclass(frozen=True, slots=True)
class ShownClock:
    """A limit on the page. `stands`: why it does not run, empty where it does."""

    clock: Clock
    limit: str
    stands: str


def choices_of(ticket: Ticket) -> list[Guess]:
    """The categories that one key applies: the model's first word and its runners-up."""
    found = {one.code: one for one in (ticket.understanding.category, *ticket.understanding.runners_up)}
    return list(found.values())[:MOST_CHOICES]


async def ticket_context(house: House, ticket: Ticket, actor: Actor) -> dict[str, Any]:
    """What `desk/ticket_pane.html` is given."""
    events = await house.store.tickets.events(ticket.no)
    complaint, understanding = ticket.complaint, ticket.understanding
    live = [one for one in ticket.assignments if one.ended_at is None]
    return {
        "t": ticket,
        "actor": actor,
        "actions": _actions(ticket, actor),
        "asking": [one for one in live if one.status in WAITING],
        "attachments": [
            (one, one.url.startswith(("http://", "https://", "/pictures/"))) for one in complaint.attachments
        ],
        "categories": grouped_categories(house),
        "channel": channel_names(house).get(complaint.channel, complaint.channel),
        "choices": choices_of(ticket),
        "deadline_clocks": {one.position: shown_clocks(one.clocks) for one in live},
        "departments": departments(house),
        "desk_clocks": shown_clocks(ticket.desk_clocks),
        "first_of_all": first_of_all(understanding.risks),
        "grave": GRAVE,
        "kinds": [(str(kind), KIND_NAMES[kind]) for kind in Kind],
        "levels": LEVEL_NAMES,
        "live": live,
        "name_of_cell": house.router.cell_name,
        "name_of_person": house.router.person_name,
        "name_of_unit": house.router.unit_name,
        "names_of_takers": {**unit_names(house), **dict(departments(house))},
        "orders": [one for one in ticket.orders if one.open],
        "photos": [address for one in events for address in own_pictures(one.event.data.get("photos", ()))],
        "pieces": marked(complaint.text, understanding),
        "reply": _reply_of(ticket, events),
        "reporter": reporter_view(ticket, actor),
        "return_reasons": house.planner.return_reasons,
        "risk_name": risk_name,
        "same": await same_view(house, ticket, for_unit=False),
        "sorts": SORT_NAMES,
        "story": story_of(house, events),
        "suggested_unit": next(
            (str(one.request["suggested_unit"]) for one in live if one.request and one.request.get("suggested_unit")),
            "",
        ),
        "units": list(unit_names(house).items()),
        "urgencies": [str(one) for one in Urgency],
    }


def _actions(ticket: Ticket, actor: Actor) -> list[Action]:
    """What this person may do; a ruling on a request that waits is offered for each of its shares."""
    found = dict.fromkeys(allowed_actions(ticket, actor))
    for share in ticket.assignments:
        if share.ended_at is None and share.status in WAITING:
            found |= dict.fromkeys(allowed_actions(ticket, actor, share))
    return list(found)


def shown_clocks(clocks: Iterable[Clock]) -> list[ShownClock]:
    """Limits that still run or stand still, the first due first; then those that are over."""
    shown = [ShownClock(one, Limit.parse(one.limit).chinese, _stands(one)) for one in clocks]
    return sorted(shown, key=lambda one: (one.clock.stopped_at is not None, one.clock.due_at))


def _stands(clock: Clock) -> str:
    if clock.stopped_at is not None and clock.stage is Stage.RETURN:
        return "已结束"
    if clock.stopped_at is not None:
        return "超期完成" if clock.stopped_at > clock.due_at else "按时完成"
    return "暂停计时" if clock.paused_at is not None else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a unit answered, and what the check says of it."""

    text: str
    check: ReplyCheck


def _reply_of(ticket: Ticket, events: Iterable[StoredEvent]) -> Reply | None:
    """The newest result; None where there is none yet."""
    data = next((one.event.data for one in reversed(list(events)) if one.event.action == "resolved"), None)
    if data is None:
        return None
    text = str(data.get("public_reply") or data.get("result") or "")
    reporter = ticket.complaint.reporter
    names = [reporter.name] if reporter.name and not reporter.anonymous else []
    return Reply(text, check_reply(ticket.complaint.text, ticket.kind, text, names))


def grouped_categories(house: House) -> list[tuple[str, list[tuple[str, str]]]]:
    """The category tree for a list to choose from: (branch · group, leaves)."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for leaf in house.tree.leaves.values():
        groups.setdefault(f"{leaf.branch} · {leaf.group}", []).append((leaf.code, leaf.name))
    return list(groups.items())


def departments(house: House) -> list[tuple[str, str]]:
    """Outside departments by code."""
    found = {
        leaf.department.code: leaf.department.name for leaf in house.tree.leaves.values() if leaf.department is not None
    }
    return sorted(found.items(), key=lambda one: one[1])


def rules_on_requests(actor: Actor) -> bool:
    """Whether extensions and suspensions are this person's to decide."""
    return actor.role in {Role.SUPERVISOR, Role.ADMINISTRATOR}


def asked_words(share: Assignment) -> str:
    """What a unit's waiting request asks for."""
    request = share.request or {}
    if "working_days" in request:
        return f"申请延期 {request['working_days']} 个工作日"
    return f"申请挂起至 {request['until']}" if "until" in request else "申请退单"
