"""挂起 and everything else that lets a clock stand still: asked for, ruled on, ended by a person or by itself.

Nothing but an approved suspension, and a return that waits for its ruling, pauses a clock.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.actions import Resume, Suspend
from domain.event import Event
from domain.handling.ruling import asked_for
from domain.handling.step import Step, with_share
from domain.lifecycle import RULES, Action, Incomplete, NotAllowed, allowed_actions
from domain.light import Light, light_at
from domain.lighting import light_changed
from domain.limit import Stage
from domain.outcome import Outcome
from domain.people import SYSTEM
from domain.planning import Planner
from domain.privacy import masked_text
from domain.ticket import Assignment, Clock, Status, Ticket
from domain.worktime import midnight_after

LONGEST = timedelta(days=366)
"""Nothing is suspended for longer than this; a matter that rests longer is closed or handed to another."""

_RESUME = next(rule for rule in RULES if rule.action is Action.RESUME)


def suspend(step: Step, details: Suspend) -> Outcome:
    """Asked by the unit before its deadline; ruled on by a supervisor."""
    share = step.own_share()
    if share.status is Status.SUSPENDING:
        return _rule_on_suspension(step, share, details)
    clock = share.clock(Stage.RESOLVE)
    if clock is None or clock.overdue(step.now):
        others = tuple(one for one in allowed_actions(step.ticket, step.actor, share) if one is not Action.SUSPEND)
        raise NotAllowed(f"工单 {step.ticket.no} 的办结时限已过，挂起应当在到期之前申请", others)
    assert details.until is not None, "the table asks for it"
    ends = midnight_after(details.until)
    if not step.now < ends <= step.now + LONGEST:
        raise Incomplete((("until", f"挂起的最后一天应在今天至一年之内，收到的是 {details.until}"),))
    request: dict[str, object] = {
        "until": details.until.isoformat(),
        "reason": masked_text(details.reason),
        "asked_at": step.now.isoformat(),
        "asked_by": step.actor.name,
    }
    changed = replace(share, status=Status.SUSPENDING, request=request)
    return with_share(step, changed, step.event("suspension_asked", share.position, unit=share.unit, **request))


def _rule_on_suspension(step: Step, share: Assignment, details: Suspend) -> Outcome:
    """Approved, the clocks stand still from when it was asked for: the unit does not pay for the time of the ruling."""
    request = share.request or {}
    asked_at = datetime.fromisoformat(str(request["asked_at"]))
    ends = midnight_after(datetime.fromisoformat(str(request["until"])).date())
    back = replace(share, status=Status.ACCEPTED, request=None)
    if details.decision == "refused":
        return with_share(step, back, step.event("suspension_refused", share.position, note=masked_text(details.note)))
    if ends <= step.now:
        raise NotAllowed(
            f"工单 {step.ticket.no} 申请挂起的期限 {request['until']} 已过，只能不同意（refused），由大队另行申请",
            allowed_actions(step.ticket, step.actor, share),
        )
    clocks, lights = paused(step, share, asked_at, Stage.CONTACT, Stage.RESOLVE)
    changed = replace(back, status=Status.SUSPENDED, suspended_until=ends, clocks=clocks)
    facts = {**asked_for(request), "since": asked_at.isoformat(), "until": request["until"]}
    event = step.event("suspended", share.position, **facts)
    outcome = with_share(step, changed, event)
    return replace(outcome, events=(*outcome.events, *lights))


def resume(step: Step, details: Resume) -> Outcome:
    """The clocks go on with what was left, from now, or from the end of the suspension where that is past."""
    share = step.own_share()
    ends = min(step.now, share.suspended_until) if share.suspended_until else step.now
    clocks, lights = resumed(step, share, ends, Stage.CONTACT, Stage.RESOLVE)
    changed = replace(share, status=Status.ACCEPTED, suspended_until=None, clocks=clocks)
    resolve = changed.clock(Stage.RESOLVE)
    event = step.event(
        "resumed",
        share.position,
        resumed_at=ends.isoformat(),
        due_at=resolve.due_at.isoformat() if resolve else None,
        original_due_at=resolve.original_due_at.isoformat() if resolve else None,
        note=masked_text(details.note),
    )
    outcome = with_share(step, changed, event)
    return replace(outcome, events=(*outcome.events, *lights))


def resumed_by_itself(ticket: Ticket, now: datetime, planner: Planner) -> Outcome:
    """Every suspension of the ticket that is over at `now` ended; no event where there is none."""
    events: tuple[Event, ...] = ()
    for share in ticket.assignments:
        if share.ended_at is None and share.suspended_until is not None and share.suspended_until <= now:
            outcome = resume(Step(ticket, share, _RESUME, SYSTEM, now, planner), Resume())
            ticket, events = outcome.ticket, (*events, *outcome.events)
    return Outcome(ticket, events)


def paused(
    step: Step, share: Assignment, since: datetime, *stages: Stage
) -> tuple[tuple[Clock, ...], tuple[Event, ...]]:
    """A share's clocks with those of `stages` that run and were not overdue standing still, and their lights' events."""
    clocks, events = [], []
    for clock in share.clocks:
        new = clock
        if clock.runs and clock.stage in stages and clock.started_at <= since <= clock.due_at:
            new = replace(clock, paused_at=since, light=Light.GREY)
            events.append(light_changed(clock, new, share.position, step.now))
        clocks.append(new)
    return tuple(clocks), tuple(events)


def resumed(
    step: Step, share: Assignment, until: datetime, *stages: Stage
) -> tuple[tuple[Clock, ...], tuple[Event, ...]]:
    """A share's clocks with the paused ones of `stages` running again, due so much later, and their lights' events."""
    clocks, events = [], []
    for clock in share.clocks:
        new = clock
        if clock.paused and clock.paused_at is not None and clock.stage in stages:
            new = step.planner.paused_for(clock, clock.paused_at, max(until, clock.paused_at))
            new = replace(new, light=light_at(step.now, new.yellow_at, new.due_at))
            events.append(light_changed(clock, new, share.position, step.now))
        clocks.append(new)
    return tuple(clocks), tuple(events)
