"""Telling the outcome of a deed: the ticket number and what happens by when, how a ticket stands, what urging led to.

Only what the ticket's own clocks and states say is promised. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.complaint import Kind
from domain.limit import Stage as LimitStage
from domain.people import SUPERVISION_GROUP
from domain.ticket import IN_HAND, OPEN, Clock, Status, Ticket
from domain.worktime import local
from intake_bot.conversation.asking import Desk, Step, advanced
from intake_bot.conversation.state import Add, Deed, File, Filing, LookUp, Rate, Stage, State, Urge
from intake_bot.conversation.taking import cleared, hotline_link
from intake_bot.conversation.turns import Message

MOST_FILINGS = 50
"""Tickets that a dialogue remembers as the person's own."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A ticket as a citizen may see it. `public_reply`: what the unit wrote for the citizen; `reason`: of a refusal."""

    ticket: Ticket
    public_reply: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a deed: the tickets made or added to, or the one that was looked up, urged or rated.

    `refused`: it was not possible as the ticket stands, or wrong digits were given too often that day. `found` None: no such
    ticket, or not this person's.
    """

    tickets: tuple[Ticket, ...] = ()
    found: Seen | None = None
    refused: bool = False


def told(state: State, deed: Deed, done: Done, at: datetime, desk: Desk, unit_name: Callable[[str], str]) -> Step:
    """The step that follows a deed."""
    if isinstance(deed, File):
        return _filed(state, deed, done, at, desk, unit_name)
    if isinstance(deed, Add):
        return _added(state, deed)
    if isinstance(deed, LookUp):
        return _looked_up(state, deed, done, at, desk, unit_name)
    if isinstance(deed, Urge):
        return _urged(state, deed, done, at, desk, unit_name)
    return _rated(state, deed, done, at, desk, unit_name)


def when(due: datetime, *, provisional: bool = False) -> str:
    """`11月27日17:30前`; a deadline that a calendar not yet announced touches says so."""
    here = local(due)
    unsure = "（节假日安排公布后可能调整）" if provisional else ""
    return f"{here.month}月{here.day}日{here:%H:%M}前{unsure}"


def _by(clock: Clock | None) -> str:
    return when(clock.due_at, provisional=clock.provisional) if clock else ""


def _filed(state: State, deed: File, done: Done, at: datetime, desk: Desk, unit_name: Callable[[str], str]) -> Step:
    new = tuple(Filing(ticket.no, ticket.complaint.source_no, at, emergency=deed.emergency) for ticket in done.tickets)
    kept = replace(state, filings=(*state.filings, *new)[-MOST_FILINGS:])
    if deed.emergency:
        return _emergency(kept, done.tickets[0])
    messages = tuple(Message(_registered(ticket, unit_name), "result", ticket_no=ticket.no) for ticket in done.tickets)
    keep = "请记好编号，凭它和电话后四位可以查进度。" if state.phone else "您没有留电话，请记好编号，在本页可以查进度。"
    after = cleared(kept)
    only = done.tickets[0].no if len(done.tickets) == 1 else ""
    here = replace(after, stage=Stage.CASE, case=only, offers=("look_again", "add") if only else ())
    return Step(here, (*messages, Message(keep)))


def _emergency(state: State, ticket: Ticket) -> Step:
    draft = state.draft
    said = Message(f"已作为紧急事项报告值班人员，工单编号 {ticket.no}。", "result", ticket_no=ticket.no)
    return Step(_next_urgent(replace(state, case=ticket.no), has_place=bool(draft and draft.has_place)), (said,))


def _next_urgent(state: State, *, has_place: bool) -> State:
    if not has_place:
        return replace(state, stage=Stage.URGENT_PLACE)
    if not state.phone and not state.anonymous:
        return replace(state, stage=Stage.URGENT_PHONE)
    return replace(cleared(state), stage=Stage.CASE, offers=("look_again", "add"))


def _registered(ticket: Ticket, unit_name: Callable[[str], str]) -> str:
    head = f"已登记，工单编号 {ticket.no}{_matter(ticket)}。"
    return "\n".join((head, *_next(ticket, unit_name)))


def _matter(ticket: Ticket) -> str:
    """The matter in brackets; none while a person has still to say what it is."""
    return "" if ticket.status is Status.TRIAGE else f"（{ticket.category_name}）"


def _next(ticket: Ticket, unit_name: Callable[[str], str]) -> tuple[str, ...]:
    """What happens to an unfinished ticket by when, as its clocks say."""
    if ticket.status is Status.TRANSFERRED:
        return (f"这类事由{ticket.refer_to_name}负责，已转出。",)
    lead = ticket.lead
    if ticket.status is Status.TRIAGE or lead is None:
        clock = next((one for one in ticket.desk_clocks if one.stage is LimitStage.DISPATCH and one.runs), None)
        when = f"将于{_by(clock)}" if clock else "将"
        return (f"下一步：值班人员{when}研判，确定由哪个单位办理。",)
    lines = []
    name = "本局监督考核小组" if lead.unit == SUPERVISION_GROUP else unit_name(lead.unit)
    verb = "已派给" if ticket.status is Status.DISPATCHED else "办理单位："
    lines.append(f"{verb}{name}。")
    contact, resolve = lead.clock(LimitStage.CONTACT), lead.clock(LimitStage.RESOLVE)
    if contact is not None and contact.runs and ticket.complaint.reporter.phone:
        lines.append(f"{_by(contact)}与您联系。")
    if resolve is not None and resolve.runs:
        lines.append(f"{_by(resolve)}办结。")
    return tuple(lines)


def _added(state: State, deed: Add) -> Step:
    said = Message(f"补充的情况已经加到工单 {deed.ticket_no}，值班人员和办理人员能看到。")
    if state.draft is not None and state.stage is not Stage.URGENT_PHONE:
        return Step(_next_urgent(state, has_place=state.draft.has_place), (said,))
    here = replace(cleared(state), stage=Stage.CASE, case=deed.ticket_no, offers=("look_again", "add"))
    return Step(here, (said,))


def _looked_up(
    state: State, deed: LookUp, done: Done, at: datetime, desk: Desk, unit_name: Callable[[str], str]
) -> Step:
    if done.found is None:
        missed, links = replace(state, wanted_no=""), (hotline_link(desk),)
        if done.refused:
            often = f"工单 {deed.ticket_no} 今天核对多次没有成功，不能再在这里查了。可以拨打 {desk.hotline} 查询。"
            return Step(advanced(missed), (Message(often, links=links),))
        said = Message("编号和电话后四位对不上，没有查到。请核对后再发一次编号。", links=links)
        return Step(replace(missed, stage=Stage.TICKET_NO), (said,), ask=False)
    return _case(state, done.found, at, unit_name)


def _case(state: State, seen: Seen, at: datetime, unit_name: Callable[[str], str]) -> Step:
    ticket = seen.ticket
    said = Message(_standing(seen, at, unit_name), "result", ticket_no=ticket.no)
    offers = _offers(state, ticket)
    if state.drafts:
        looking = state.stage in {Stage.TICKET_NO, Stage.TAIL}
        back = replace(state, wanted_no="")
        return Step(advanced(back) if looking else back, (said,))
    return Step(replace(state, stage=Stage.CASE, case=ticket.no, offers=offers, wanted_no=""), (said,))


def _offers(state: State, ticket: Ticket) -> tuple[str, ...]:
    if ticket.status in OPEN | {Status.TRANSFERRED}:
        own = ("add",) if state.filing(ticket.no) else ()
        return ("urge", *own)
    if ticket.status is Status.RESOLVED and not rated(ticket):
        return ("rate",)
    return ()


def rated(ticket: Ticket) -> bool:
    """Whether the result that stands now has a rating."""
    return bool(
        ticket.resolved_at is not None
        and ticket.followed_up_at is not None
        and ticket.followed_up_at > ticket.resolved_at
    )


_STANDING: Mapping[Status, str] = {
    Status.TRIAGE: "值班人员正在研判",
    Status.DISPATCHED: "已派单，等待办理单位签收",
    Status.ACCEPTED: "办理单位正在办理",
    Status.RETURNED: "正在研判由哪个单位办理",
    Status.EXTENDED: "办理单位正在办理，已申请延长时间，等待审批",
    Status.SUSPENDING: "办理单位正在办理，已申请暂停，等待审批",
    Status.SUSPENDED: "暂停办理",
    Status.RESOLVED: "已办结",
    Status.FOLLOWED_UP: "已办结，已回访",
    Status.CLOSED: "已结案",
    Status.TRANSFERRED: "已转有关部门",
    Status.MERGED: "与同类诉求合并办理",
    Status.REJECTED: "不予受理",
}


def _standing(seen: Seen, at: datetime, unit_name: Callable[[str], str]) -> str:
    ticket = seen.ticket
    lines = [
        f"工单 {ticket.no}{_matter(ticket)}，{local(ticket.created_at):%Y年%m月%d日}登记：{_STANDING[ticket.status]}。"
    ]
    if ticket.status in OPEN or ticket.status is Status.TRANSFERRED:
        lines += _next(ticket, unit_name)
        lines += _late(ticket, at)
    if ticket.status is Status.MERGED:
        lines.append(f"合并到工单 {ticket.merged_into}。")
    if ticket.status is Status.REJECTED and seen.reason:
        lines.append(f"原因：{seen.reason}")
    if ticket.status in {Status.RESOLVED, Status.FOLLOWED_UP, Status.CLOSED}:
        quiet = ticket.kind is Kind.REPORT or ticket.complaint.reporter.confidential
        if seen.public_reply and not quiet:
            lines.append(f"办理情况：{seen.public_reply}")
        elif ticket.status is Status.RESOLVED and ticket.complaint.reporter.phone:
            lines.append("工作人员会电话回访您。")
    return "\n".join(lines)


def _late(ticket: Ticket, at: datetime) -> tuple[str, ...]:
    lead = ticket.lead
    clock = lead.clock(LimitStage.RESOLVE) if lead is not None and ticket.status in IN_HAND else None
    if clock is not None and clock.runs and clock.overdue(at):
        return ("已经超过办理时限，对不起。您可以催办。",)
    return ()


def _urged(state: State, deed: Urge, done: Done, at: datetime, desk: Desk, unit_name: Callable[[str], str]) -> Step:
    if done.found is None:
        return Step(advanced(replace(state, case="", offers=())), (Message("没有查到这张工单。"),))
    if done.refused:
        return _case(state, done.found, at, unit_name)
    ticket = done.found.ticket
    lines = [f"已经催办，工单 {ticket.no} 的催办记录在案。"]
    if ticket.lead is not None and ticket.lead.handler:
        lines = [f"已经催办，工单 {ticket.no} 的经办人会收到提醒。"]
    lines += _next(ticket, unit_name)
    lines += _late(ticket, at)
    here = replace(
        state, stage=Stage.CASE, case=ticket.no, offers=tuple(one for one in _offers(state, ticket) if one != "urge")
    )
    return Step(here, (Message("\n".join(lines), "result", ticket_no=ticket.no),))


def _rated(state: State, deed: Rate, done: Done, at: datetime, desk: Desk, unit_name: Callable[[str], str]) -> Step:
    here = replace(state, stage=Stage.CASE, offers=())
    if done.found is None:
        return Step(replace(here, case=""), (Message("没有查到这张工单。"),))
    if done.refused:
        return _case(state, done.found, at, unit_name)
    ticket = done.found.ticket
    if deed.solved != "no":
        return Step(here, (Message("谢谢您的评价，已经记录。", "result", ticket_no=ticket.no),))
    if ticket.status in IN_HAND:
        lines = ("对不起，问题没有解决。工单已退回重新办理。", *_next(ticket, unit_name))
        return Step(
            replace(here, offers=_offers(state, ticket)), (Message("\n".join(lines), "result", ticket_no=ticket.no),)
        )
    said = "您的意见已经记录。这件事已经重办过一次，这次不再自动退回，由值班人员核实后与您联系。"
    if not ticket.complaint.reporter.phone:
        said = "您的意见已经记录。这件事已经重办过一次，这次不再自动退回，由值班人员核实。"
    return Step(here, (Message(said, "result", ticket_no=ticket.no),))
