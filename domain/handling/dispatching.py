"""Who has the ticket: transfer, hand-over, helpers, rulings on a return, reclassification.

Each ends shares and begins others.
"""

from __future__ import annotations

from dataclasses import replace

from domain.actions import Reclassify, Transfer
from domain.event import Event
from domain.handling.step import Step, with_share
from domain.intake import STATUS_OF, destination_event, notices_of
from domain.lifecycle import Incomplete, NotAllowed, allowed_actions
from domain.outcome import Notice, Outcome
from domain.people import Role
from domain.privacy import masked_text
from domain.routing import Routing
from domain.settling import ended, settled, stopped
from domain.ticket import Assignment, Status


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
    if details.department and not step.planner.is_department(details.department):
        raise Incomplete((("department", f"外部门“{details.department}”不存在，请填写事项分类表中的部门代码"),))
    if details.brigade and not step.planner.is_unit(details.brigade):
        raise Incomplete((("brigade", f"承办单位“{details.brigade}”不存在，请填写 config.yml 中 units 的代码"),))
    if details.share == "helper":
        return _add_helper(step, details)
    waiting = next((one for one in step.ticket.assignments if one.in_hand and one.status is Status.RETURNED), None)
    if waiting is not None and details.brigade == waiting.unit:
        return _refuse_return(step, waiting, details)
    routing = step.planner.plan(
        step.ticket,
        step.now,
        category=step.ticket.category,
        kind=step.ticket.kind,
        urgency=step.ticket.urgency,
        unit=details.brigade or None,
        department=details.department or None,
        return_barred=waiting is not None or any(one.return_barred for one in step.ticket.assignments),
    )
    decided = step.event(
        "return_granted" if waiting else "transferred",
        waiting.position if waiting else 0,
        to=details.brigade or details.department,
        reason=masked_text(details.reason),
    )
    return _rerouted(step, routing, decided)


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
    event = step.event(
        "handed_over",
        share.position,
        before=share.handler,
        after=details.handler,
        reason=masked_text(details.reason),
    )
    notice = (Notice(f"account:{details.handler}", "handed_over", {"position": share.position}),)
    return with_share(step, replace(share, handler=details.handler), event, notice)


def _add_helper(step: Step, details: Transfer) -> Outcome:
    live = {one.unit for one in step.ticket.assignments if one.ended_at is None}
    if step.ticket.lead is None:
        raise NotAllowed(
            f"工单 {step.ticket.no} 还没有主办单位，不能先派协办", allowed_actions(step.ticket, step.actor)
        )
    if details.brigade in live:
        raise Incomplete((("brigade", f"{step.planner.unit_name(details.brigade)}已经在承办本工单"),))
    routing = step.planner.helper(step.ticket, details.brigade, step.now)
    added = replace(step.ticket, assignments=step.ticket.assignments + routing.assignments)
    event = step.event(
        "helper_added", routing.assignments[0].position, unit=details.brigade, reason=masked_text(details.reason)
    )
    return Outcome(settled(added), (event,), notices_of(added, routing))


def _refuse_return(step: Step, waiting: Assignment, details: Transfer) -> Outcome:
    """裁定: the unit keeps it, and may not return it again."""
    status = Status.ACCEPTED if waiting.accepted_at else Status.DISPATCHED
    changed = replace(waiting, status=status, request=None, return_barred=True)
    event = step.event("return_refused", waiting.position, unit=waiting.unit, reason=masked_text(details.reason))
    notice = (Notice(f"account:{waiting.handler}", "return_refused", {"position": waiting.position}),)
    return with_share(step, changed, event, notice)


def _rerouted(step: Step, routing: Routing, decided: Event) -> Outcome:
    """The ticket with the old shares ended and the new ones begun."""
    was_with_unit = step.ticket.lead is not None
    ticket = replace(
        step.ticket,
        status=STATUS_OF[routing.destination],
        urgency=routing.urgency,
        assignments=tuple(ended(one, step.now) for one in step.ticket.assignments) + routing.assignments,
        desk_clocks=stopped(step.ticket.desk_clocks, step.now) + routing.desk_clocks,
        refer_to=routing.department.code if routing.department else "",
        refer_to_name=routing.department.name if routing.department else "",
        why=routing.why,
        problems=routing.problems,
        redispatches=step.ticket.redispatches + (1 if was_with_unit else 0),
    )
    events = (decided, destination_event(ticket, routing, step.actor, step.now))
    return Outcome(settled(ticket), events, notices_of(ticket, routing))


def reclassify(step: Step, details: Reclassify) -> Outcome:
    """A person's word about the matter. The unit stays, with its clocks, when the new category is its business too."""
    leaf = step.planner.category(details.category)
    if leaf is None:
        raise Incomplete((("category", f"事项分类代码“{details.category}”不存在，请从事项分类表中选取"),))
    kind = details.kind or step.ticket.kind
    urgency = details.urgency or step.ticket.urgency
    ticket = replace(step.ticket, category=leaf.code, category_name=leaf.name, kind=kind, urgency=urgency)
    event = step.event(
        "reclassified",
        before={"category": step.ticket.category, "kind": step.ticket.kind},
        after={"category": leaf.code, "kind": kind},
        note=masked_text(details.note),
    )
    barred = any(one.return_barred for one in ticket.assignments)
    routing = step.planner.plan(
        ticket, step.now, category=leaf.code, kind=kind, urgency=details.urgency, return_barred=barred
    )
    lead = step.ticket.lead
    same_unit = lead is not None and bool(routing.assignments) and routing.assignments[0].unit == lead.unit
    if same_unit and lead is not None and lead.status is not Status.RETURNED:
        return Outcome(settled(ticket), (event,))
    return _rerouted(replace(step, ticket=ticket), routing, event)
