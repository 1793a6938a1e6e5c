"""What a unit does with its share: accept, contact, return, ask for time (and the ruling on it), resolve."""

from __future__ import annotations

from dataclasses import replace

from domain.actions import Accept, Contact, Extend, Resolve, Return
from domain.clocks import beside_platform
from domain.handling.ruling import asked_for, awaiting_ruling, without_ruling
from domain.handling.step import Step, with_share
from domain.handling.suspending import paused
from domain.intake import channel_notice
from domain.lifecycle import Action, Incomplete, NotAllowed, allowed_actions
from domain.limit import Limit, Stage
from domain.outcome import Outcome
from domain.privacy import masked_text
from domain.settling import ended, settled, stopped, with_assignment
from domain.ticket import Assignment, Share, Status


def accept(step: Step, details: Accept) -> Outcome:
    share = step.own_share()
    changed = replace(
        share,
        status=Status.ACCEPTED,
        accepted_at=step.now,
        clocks=stopped(share.clocks, step.now, Stage.ACCEPT),
    )
    return with_share(
        step,
        changed,
        step.event("accepted", share.position, unit=share.unit, note=masked_text(details.note)),
        channel_notice(step.ticket, "accepted", {"unit": step.planner.unit_name(share.unit)}),
    )


def contact(step: Step, details: Contact) -> Outcome:
    share = step.own_share()
    event = step.event("contacted", share.position, reached=details.reached, note=masked_text(details.note))
    if not details.reached:
        return with_share(step, share, event)
    changed = replace(
        share,
        contacted_at=share.contacted_at or step.now,
        clocks=stopped(share.clocks, step.now, Stage.CONTACT),
    )
    first = channel_notice(step.ticket, "contacted", {}) if share.contacted_at is None else ()
    return with_share(step, changed, event, first)


def give_back(step: Step, details: Return) -> Outcome:
    share = step.own_share()
    reasons = step.planner.return_reasons
    if details.reason_code not in reasons:
        known = "、".join(f"{code} {name}" for code, name in reasons.items())
        raise Incomplete((("reason_code", f"退单原因代码“{details.reason_code}”不存在；可用：{known}"),))
    if details.suggested_unit and not (
        step.planner.is_unit(details.suggested_unit) or step.planner.is_department(details.suggested_unit)
    ):
        raise Incomplete((("suggested_unit", f"建议承办单位“{details.suggested_unit}”不存在"),))
    others = tuple(one for one in allowed_actions(step.ticket, step.actor, share) if one is not Action.RETURN)
    if share.return_barred:
        raise NotAllowed(f"工单 {step.ticket.no} 已由指挥中心裁定由本单位承办，不能再退单", others)
    clock = share.clock(Stage.RETURN)
    # The clock may have stopped, with the first resolving for instance; the right to return ends with its day all the same.
    if clock is not None and step.now > clock.due_at:
        raise NotAllowed(
            f"工单 {step.ticket.no} 已过退单时限（{Limit.parse(clock.limit).chinese}），不能退单；确需调整请联系指挥中心转办",
            others,
        )
    request: dict[str, object] = {
        "reason_code": details.reason_code,
        "basis": masked_text(details.basis),
        "suggested_unit": details.suggested_unit,
        "note": masked_text(details.note),
        "asked_at": step.now.isoformat(),
        "asked_by": step.actor.name,
    }
    # Whether to sign is what is being decided: that clock stands still until the ruling, for which the desk has one of its own.
    clocks, lights = paused(step, share, step.now, Stage.ACCEPT)
    changed = replace(share, status=Status.RETURNED, request=request, clocks=stopped(clocks, step.now, Stage.RETURN))
    outcome = with_share(
        replace(step, ticket=awaiting_ruling(step)),
        changed,
        step.event("returned", share.position, unit=share.unit, **request),
    )
    ticket = replace(outcome.ticket, returns=outcome.ticket.returns + 1)
    return replace(outcome, ticket=ticket, events=(*outcome.events, *lights))


def extend(step: Step, details: Extend) -> Outcome:
    share = step.own_share()
    if share.status is Status.EXTENDED:
        return _rule_on_extension(step, share, details)
    clock = share.clock(Stage.RESOLVE)
    others = tuple(one for one in allowed_actions(step.ticket, step.actor, share) if one is not Action.EXTEND)
    if clock is None or clock.overdue(step.now):
        raise NotAllowed(f"工单 {step.ticket.no} 的办结时限已过，延期应当在到期之前申请", others)
    if share.extensions >= 1:
        raise NotAllowed(f"工单 {step.ticket.no} 已经延期一次，不能再次延期", others)
    limit = step.planner.extension_limit(step.ticket)
    if not 1 <= details.working_days <= limit.number:
        raise Incomplete((("working_days", f"延期应为 1 至 {limit.number} 个工作日，收到的是 {details.working_days}"),))
    request: dict[str, object] = {
        "working_days": details.working_days,
        "reason": masked_text(details.reason),
        "asked_at": step.now.isoformat(),
        "asked_by": step.actor.name,
    }
    changed = replace(share, status=Status.EXTENDED, request=request)
    return with_share(
        step,
        changed,
        step.event("extension_asked", share.position, unit=share.unit, **request),
        channel_notice(
            step.ticket,
            "extension_asked",
            {
                "working_days": details.working_days,
                "reason": request["reason"],
                "unit": step.planner.unit_name(share.unit),
            },
        ),
    )


def _rule_on_extension(step: Step, share: Assignment, details: Extend) -> Outcome:
    request = share.request or {}
    working_days = request.get("working_days", 0)
    assert isinstance(working_days, int)
    back = replace(share, status=Status.ACCEPTED, request=None)
    if details.decision == "refused":
        return with_share(step, back, step.event("extension_refused", share.position, note=masked_text(details.note)))
    clocks = tuple(
        beside_platform(step.planner.extended(clock, working_days), step.ticket.due_outer)
        if clock.stage is Stage.RESOLVE and clock.runs
        else clock
        for clock in share.clocks
    )
    changed = replace(back, clocks=clocks, extensions=share.extensions + 1)
    new = changed.clock(Stage.RESOLVE)
    outcome = with_share(
        step,
        changed,
        step.event(
            "extended",
            share.position,
            working_days=working_days,
            due_at=new.due_at.isoformat() if new else None,
            original_due_at=new.original_due_at.isoformat() if new else None,
            **asked_for(request),
        ),
        channel_notice(step.ticket, "extended", {"working_days": working_days}),
    )
    return replace(outcome, ticket=replace(outcome.ticket, extensions=outcome.ticket.extensions + 1))


def resolve(step: Step, details: Resolve) -> Outcome:
    share = step.own_share()
    event = step.event(
        "resolved",
        share.position,
        unit=share.unit,
        result=masked_text(details.result),
        public_reply=masked_text(details.public_reply),
        photos=list(details.photos),
        photos_before=list(details.photos_before),
    )
    changed = replace(
        share,
        status=Status.RESOLVED,
        resolved_at=step.now,
        result=details.result,
        request=None,
        clocks=stopped(share.clocks, step.now),
    )
    if share.share is Share.HELPER:
        return with_share(step, changed, event)
    helpers = tuple(one for one in step.ticket.assignments if one.share is Share.HELPER and one.in_hand)
    ticket = with_assignment(step.ticket, changed)
    for helper in helpers:
        ticket = with_assignment(ticket, ended(helper, step.now))
    ticket = settled(replace(without_ruling(ticket, step.now), resolved_at=step.now))
    note = masked_text(details.note)
    over = tuple(
        step.event("helper_ended", one.position, unit=one.unit, lead=share.position, note=note) for one in helpers
    )
    reply = details.public_reply or details.result
    return Outcome(ticket, (event, *over), channel_notice(step.ticket, "resolved", {"reply": masked_text(reply)}))
