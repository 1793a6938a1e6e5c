"""Who has the ticket: transfer, hand-over, helpers, rulings on a return, reclassification.

Each ends shares and begins others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.actions import Reclassify, Transfer
from domain.clocks import beside_platform, of_helper
from domain.complaint import URGENCY_ORDER, Urgency
from domain.event import Event
from domain.handling.ruling import without_ruling
from domain.handling.step import Step, with_share
from domain.handling.suspending import resumed
from domain.intake import STATUS_OF, destination_event, notices_of
from domain.lifecycle import Incomplete, NotAllowed, allowed_actions
from domain.limit import Stage
from domain.outcome import Notice, Outcome
from domain.people import SUPERVISION_GROUP, Role
from domain.privacy import masked_text
from domain.routing import Routing
from domain.settling import at_desk, ended, settled, with_assignment
from domain.ticket import Assignment, Clock, Share, Status, Ticket


def transfer(step: Step, details: Transfer) -> Outcome:
    named = [field for field in ("brigade", "department", "handler") if getattr(details, field)]
    if len(named) != 1:
        raise Incomplete(
            (("brigade", "请在 brigade（大队）、department（外部门）、handler（本大队同事）中填写且只填写一项"),)
        )
    if details.handler:
        return _hand_over(step, details)
    if step.actor.role is Role.BRIGADE:
        raise NotAllowed(
            "大队只能在本大队内移交（handler）；不属于本大队职责的请退单，由指挥中心转办",
            allowed_actions(step.ticket, step.actor, step.share),
        )
    if details.share == "helper" and not details.brigade:
        raise Incomplete((("brigade", "协办单位只能是本局的承办单位，请填写 brigade"),))
    if details.department and not step.planner.is_department(details.department):
        raise Incomplete((("department", f"外部门“{details.department}”不存在，请填写事项分类表中的部门代码"),))
    if details.brigade and not step.planner.is_unit(details.brigade):
        raise Incomplete((("brigade", f"承办单位“{details.brigade}”不存在，请填写 config.yml 中 units 的代码"),))
    _refuse_own_officers(step, details)
    lead, waiting = step.ticket.lead, _waiting_return(step)
    if waiting is not None and details.brigade == waiting.unit:
        return _refuse_return(step, waiting, details)
    if waiting is not None and waiting.share is Share.HELPER and lead is not None:
        if details.share == "helper":
            return _replace_helper(step, waiting, details)
        if details.brigade == lead.unit:
            return _release_helper(step, waiting, details)
    if details.share == "helper":
        return _add_helper(step, details)
    if lead is not None and details.brigade == lead.unit:
        raise Incomplete((("brigade", f"{step.planner.unit_name(lead.unit)}已经在主办本工单，重新派单不能使时限重计"),))
    ruled = waiting is not None and waiting.share is Share.LEAD
    routing = step.planner.plan(
        step.ticket,
        step.now,
        category=step.ticket.category,
        kind=step.ticket.kind,
        urgency=step.ticket.urgency,
        unit=details.brigade or None,
        department=details.department or None,
        return_barred=ruled or _has_been_ruled(step.ticket),
    )
    decided = step.event(
        "return_granted" if ruled else "transferred",
        waiting.position if ruled and waiting else 0,
        to=details.brigade or details.department,
        reason=masked_text(details.reason),
    )
    return _rerouted(step, routing, decided)


def _refuse_own_officers(step: Step, details: Transfer) -> None:
    """A complaint about our own officers is nobody's but the supervision group's. Raises Incomplete for anybody else."""
    leaf = step.planner.category(step.ticket.category)
    if leaf is not None and leaf.unit == SUPERVISION_GROUP and details.brigade not in {"", SUPERVISION_GROUP}:
        group = step.planner.unit_name(SUPERVISION_GROUP)
        raise Incomplete(
            (
                (
                    "brigade",
                    f"本工单反映我局人员（{leaf.name}），只能由{group}办理；如确属其他事项，请先重新分类（reclassify）",
                ),
            )
        )


def _waiting_return(step: Step) -> Assignment | None:
    """The share whose return waits for a ruling: the addressed one (the lead's, where none is named), else the first."""
    waiting = [one for one in step.ticket.assignments if one.in_hand and one.status is Status.RETURNED]
    if step.share in waiting:
        return step.share
    return waiting[0] if waiting else None


def _has_been_ruled(ticket: Ticket) -> bool:
    """Whether the command centre has ruled once on who leads: its word stands for every later lead."""
    return any(one.return_barred for one in ticket.assignments if one.share is Share.LEAD)


def _hand_over(step: Step, details: Transfer) -> Outcome:
    """AB岗: a colleague of the same unit takes over."""
    share = step.share
    if share is None or not share.in_hand:
        raise NotAllowed(
            f"工单 {step.ticket.no} 没有在办的派单，不能移交给同事", allowed_actions(step.ticket, step.actor, share)
        )
    if not step.planner.is_person_of(details.handler, share.unit):
        unit = step.planner.unit_name(share.unit)
        raise Incomplete((("handler", f"“{details.handler}”不是{unit}的人员，只能移交给本单位同事"),))
    if details.handler == share.handler:
        raise Incomplete((("handler", f"“{details.handler}”已经是经办人"),))
    event = step.event(
        "handed_over",
        share.position,
        before=share.handler,
        after=details.handler,
        reason=masked_text(details.reason),
    )
    notice = (Notice(f"account:{details.handler}", "handed_over", {"position": share.position}),)
    return with_share(step, replace(share, handler=details.handler, stands_in_for=""), event, notice)


def _add_helper(step: Step, details: Transfer) -> Outcome:
    live = {one.unit for one in step.ticket.assignments if one.ended_at is None}
    if step.ticket.lead is None:
        raise NotAllowed(
            f"工单 {step.ticket.no} 还没有主办单位，不能先派协办", allowed_actions(step.ticket, step.actor)
        )
    if details.brigade in live:
        raise Incomplete((("brigade", f"{step.planner.unit_name(details.brigade)}已经在承办本工单"),))
    return _with_helper(step, details, ())


def _with_helper(step: Step, details: Transfer, before: tuple[Event, ...], *, barred: bool = False) -> Outcome:
    """The ticket with one more helper, after the events that led to it."""
    routing = step.planner.helper(step.ticket, details.brigade, step.now)
    planned = routing.assignments[0]
    helper = replace(planned, clocks=of_helper(planned.clocks), return_barred=barred)
    added = replace(step.ticket, assignments=(*step.ticket.assignments, helper))
    event = step.event("helper_added", helper.position, unit=details.brigade, reason=masked_text(details.reason))
    return Outcome(settled(added), (*before, event), notices_of(added, replace(routing, assignments=(helper,))))


def _replace_helper(step: Step, waiting: Assignment, details: Transfer) -> Outcome:
    """裁定: another unit helps in the place of the one that returned its share, and may not return it."""
    if any(one.unit == details.brigade for one in step.ticket.assignments if one.ended_at is None):
        raise Incomplete((("brigade", f"{step.planner.unit_name(details.brigade)}已经在承办本工单"),))
    granted = step.event("return_granted", waiting.position, to=details.brigade, reason=masked_text(details.reason))
    ticket = with_assignment(step.ticket, ended(waiting, step.now))
    without = replace(step, ticket=without_ruling(ticket, step.now))
    return _with_helper(without, details, (granted,), barred=True)


def _release_helper(step: Step, waiting: Assignment, details: Transfer) -> Outcome:
    """裁定: the helper is let go, the lead goes on without it."""
    granted = step.event("return_granted", waiting.position, to=details.brigade, reason=masked_text(details.reason))
    return _ruled(step, with_share(step, ended(waiting, step.now), granted))


def _refuse_return(step: Step, waiting: Assignment, details: Transfer) -> Outcome:
    """裁定: the unit keeps it, and may not return it again."""
    changed, lights = _kept(step, waiting)
    event = step.event("return_refused", waiting.position, unit=waiting.unit, reason=masked_text(details.reason))
    notice = (Notice(f"account:{waiting.handler}", "return_refused", {"position": waiting.position}),)
    outcome = _ruled(step, with_share(step, changed, event, notice))
    return replace(outcome, events=(*outcome.events, *lights))


def _ruled(step: Step, outcome: Outcome) -> Outcome:
    """The outcome of a ruling, with the desk's clock stopped where no other return waits."""
    return replace(outcome, ticket=settled(without_ruling(outcome.ticket, step.now)))


def _kept(step: Step, waiting: Assignment) -> tuple[Assignment, tuple[Event, ...]]:
    """A returned share that its unit must keep: where it stood before, its accept clock going on with what was left."""
    status = Status.ACCEPTED if waiting.accepted_at else Status.DISPATCHED
    clocks, lights = resumed(step, waiting, step.now, Stage.ACCEPT)
    return replace(waiting, status=status, request=None, return_barred=True, clocks=clocks), lights


def _rerouted(step: Step, routing: Routing, decided: Event) -> Outcome:
    """The ticket with the old shares ended and the new ones begun."""
    was_with_unit = step.ticket.lead is not None
    ticket = replace(
        step.ticket,
        status=STATUS_OF[routing.destination],
        urgency=routing.urgency,
        assignments=tuple(ended(one, step.now) for one in step.ticket.assignments) + routing.assignments,
        desk_clocks=at_desk(step.ticket, routing.desk_clocks, step.now),
        refer_to=routing.department.code if routing.department else "",
        refer_to_name=routing.department.name if routing.department else "",
        why=routing.why,
        problems=routing.problems,
        redispatches=step.ticket.redispatches + (1 if was_with_unit else 0),
    )
    events = (decided, destination_event(ticket, routing, step.actor, step.now))
    return Outcome(settled(ticket), events, notices_of(ticket, routing))


def reclassify(step: Step, details: Reclassify) -> Outcome:
    """A person's word about the matter. Where the new category is the leading unit's business too, the shares stay.

    Their running clocks then follow the limits of the new matter.
    """
    leaf = step.planner.category(details.category)
    if leaf is None:
        raise Incomplete((("category", f"事项分类代码“{details.category}”不存在，请从事项分类表中选取"),))
    kind = details.kind or step.ticket.kind
    lead = step.ticket.lead
    waiting = lead is not None and lead.status is Status.RETURNED
    routing = step.planner.plan(
        step.ticket,
        step.now,
        category=leaf.code,
        kind=kind,
        urgency=details.urgency,
        return_barred=waiting or _has_been_ruled(step.ticket),
    )
    urgency = routing.urgency
    ticket = replace(step.ticket, category=leaf.code, category_name=leaf.name, kind=kind, urgency=urgency)
    event = step.event(
        "reclassified",
        before={"category": step.ticket.category, "kind": step.ticket.kind, "urgency": step.ticket.urgency},
        after={"category": leaf.code, "kind": kind, "urgency": urgency},
        note=masked_text(details.note),
    )
    if lead is None or not routing.assignments or routing.assignments[0].unit != lead.unit:
        outcome = _rerouted(replace(step, ticket=ticket), routing, event)
        return _with_granted_return(step, lead, outcome) if lead is not None and waiting else outcome
    ticket, limited = _under_its_limits(replace(step, ticket=ticket), raised=_is_raised(step.ticket.urgency, urgency))
    ticket, helping = _with_helpers_of(replace(step, ticket=ticket), routing)
    told = notices_of(ticket, replace(routing, assignments=helping))
    added = tuple(step.event("helper_added", one.position, unit=one.unit, reason="") for one in helping)
    if not waiting:
        return Outcome(settled(ticket), (event, *limited, *added), told)
    waits = next(one for one in ticket.assignments if one.position == lead.position)
    kept, lights = _kept(step, waits)
    refused = step.event("return_refused", lead.position, unit=lead.unit, reason=masked_text(details.note))
    ruled = without_ruling(with_assignment(ticket, kept), step.now)
    return Outcome(settled(ruled), (event, *limited, *added, refused, *lights), told)


def _with_granted_return(step: Step, lead: Assignment, outcome: Outcome) -> Outcome:
    """The outcome of a reclassification that took the matter off the unit that asked for it: its return is granted."""
    ticket = outcome.ticket
    to = ticket.lead.unit if ticket.lead is not None else ticket.refer_to
    granted = step.event("return_granted", lead.position, to=to, reason="")
    return replace(outcome, events=(outcome.events[0], granted, *outcome.events[1:]))


def _with_helpers_of(step: Step, routing: Routing) -> tuple[Ticket, tuple[Assignment, ...]]:
    """The ticket with those helpers of a new routing that it does not have yet, and these."""
    ticket = step.ticket
    live = {one.unit for one in ticket.assignments if one.ended_at is None}
    missing = [one for one in routing.assignments if one.share is Share.HELPER and one.unit not in live]
    first = len(ticket.assignments) + 1
    helping = tuple(replace(one, position=first + offset) for offset, one in enumerate(missing))
    return replace(ticket, assignments=ticket.assignments + helping), helping


def _is_raised(before: Urgency, after: Urgency) -> bool:
    return URGENCY_ORDER.index(after) > URGENCY_ORDER.index(before)


def _under_its_limits(step: Step, *, raised: bool) -> tuple[Ticket, tuple[Event, ...]]:
    """The ticket with its running clocks under the limits that apply to it now, and an event for each share that changes.

    Time that has passed stays passed: the new limit counts from where the old one began. Only a raised urgency counts from
    now, for nobody could have kept a limit that they did not know of.
    """
    ticket, events = step.ticket, []
    for share in (one for one in ticket.assignments if one.in_hand):
        clocks = tuple(_limited(step, share, clock, step.now if raised else clock.started_at) for clock in share.clocks)
        changes = [
            {"stage": old.stage, "limit": new.limit, "before": old.due_at.isoformat(), "after": new.due_at.isoformat()}
            for old, new in zip(share.clocks, clocks, strict=True)
            if old != new
        ]
        if changes:
            ticket = with_assignment(ticket, replace(share, clocks=clocks))
            events.append(step.event("limits_changed", share.position, changes=changes))
    return ticket, tuple(events)


def _limited(step: Step, share: Assignment, clock: Clock, start: datetime) -> Clock:
    """A running clock under the row that applies to the ticket now; the same clock where that is its own row."""
    if not clock.runs or clock.stage is Stage.RETURN:
        return clock
    ticket = step.ticket
    routing = step.planner.plan(
        ticket, start, category=ticket.category, kind=ticket.kind, urgency=ticket.urgency, unit=share.unit
    )
    planned = routing.assignments[0].clock(clock.stage) if routing.assignments else None
    if planned is None or planned.rule == clock.rule:
        return clock
    if clock.extended_by:
        planned = beside_platform(step.planner.extended(planned, clock.extended_by), ticket.due_outer)
    for since, until in clock.pauses:
        if since >= start:
            planned = step.planner.paused_for(planned, since, until)
    return replace(planned, round=clock.round, light=clock.light)
