"""What today's settings would have done with a past ticket when it came in. It changes nothing and reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.limit import Stage
from domain.routing import Destination, Routing
from domain.ticket import Assignment, Clock, Share, Ticket
from domain.worktime import local
from router.route import Case, Router


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that would be otherwise, in words; its text is for people: `主办单位：一大队 → 二大队`."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what}：{self.before or '无'} → {self.after or '无'}"


def rerun(router: Router, ticket: Ticket) -> tuple[Difference, ...]:
    """How the first routing of a ticket would differ today; empty when it would not.

    The complaint is routed as the model understood it, at the moment of its intake, so that decisions that people made later
    do not show as changes of the rules.
    """
    understood = ticket.understanding
    case = Case(ticket.complaint, understood, understood.kind, understood.category.code)
    before = _first_routing(router, ticket)
    after = _described(router, router.route(case, ticket.created_at))
    return tuple(
        Difference(what, before[what], after[what])
        for what in after
        # Who was referred to at first is not kept once the ticket has moved on: only what is known is compared.
        if what in before and before[what] != after[what]
    )


def _first_routing(router: Router, ticket: Ticket) -> Mapping[str, str]:
    """What the ticket's own shares and clocks say of its first routing."""
    start = ticket.created_at
    shares = tuple(one for one in ticket.assignments if one.dispatched_at == start)
    desk = any(clock.started_at == start for clock in ticket.desk_clocks)
    if shares:
        return _words(router, Destination.UNIT, shares)
    if desk:
        return _words(router, Destination.DESK, ())
    words = dict(_words(router, Destination.OUTSIDE, (), ticket.refer_to_name))
    if not ticket.refer_to:
        del words["外部门"]
    return words


def _described(router: Router, routing: Routing) -> Mapping[str, str]:
    department = routing.department.name if routing.department else ""
    return _words(router, routing.destination, routing.assignments, department)


_DESTINATIONS = {Destination.UNIT: "本局承办", Destination.DESK: "人工研判", Destination.OUTSIDE: "外部门"}


def _words(
    router: Router, destination: Destination, shares: tuple[Assignment, ...], department: str = ""
) -> Mapping[str, str]:
    lead = next((one for one in shares if one.share is Share.LEAD), None)
    helpers = [router.unit_name(one.unit) for one in shares if one.share is Share.HELPER]
    return {
        "去向": _DESTINATIONS[destination],
        "外部门": department,
        "主办单位": router.unit_name(lead.unit) if lead else "",
        "协办单位": "、".join(helpers),
        "责任网格": lead.cell if lead else "",
        # The posts, not the handler: who handles it may have been changed by a hand-over since.
        "A岗": router.person_name(lead.owner) if lead else "",
        "B岗": router.person_name(lead.backup) if lead else "",
        "办结时限": _due(lead),
    }


def _due(lead: Assignment | None) -> str:
    """The resolve deadline as it was first promised."""
    first: Clock | None = None
    if lead is not None:
        resolve = [clock for clock in lead.clocks if clock.stage is Stage.RESOLVE]
        first = min(resolve, key=lambda clock: clock.round, default=None)
    return f"{local(first.original_due_at):%Y-%m-%d %H:%M}" if first else ""
