"""The router as the domain's `Planner`: a person's decision about a ticket becomes a case to route again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from domain.absence import NOBODY_AWAY, Absences
from domain.category import Category, CategoryTree
from domain.complaint import Kind, Urgency
from domain.lifecycle import NotAllowed
from domain.limit import Limit, Stage
from domain.routing import Destination, Routing
from domain.ticket import Assignment, Clock, Share, Ticket
from router.route import Case, Router
from router.settings import Posts


class RouterPlanner:
    """`domain.planning.Planner` over a `Router` and the category tree."""

    def __init__(
        self, router: Router, tree: CategoryTree, absences: Callable[[], Absences] = lambda: NOBODY_AWAY
    ) -> None:
        """`absences` gives those that were imported, as they are known now."""
        self._absences = absences
        self._router = router
        self._tree = tree
        self._departments = {
            leaf.department.code: leaf.department for leaf in tree.leaves.values() if leaf.department is not None
        }

    @property
    def return_reasons(self) -> Mapping[str, str]:
        return self._router.return_reasons

    def category(self, code: str) -> Category | None:
        return self._tree.get(code)

    def is_unit(self, code: str) -> bool:
        return self._router.is_unit(code)

    def is_person_of(self, account: str, unit: str) -> bool:
        return self._router.is_person_of(account, unit)

    def unit_name(self, code: str) -> str:
        return self._router.unit_name(code)

    def unit_head(self, code: str) -> str:
        return self._router.unit_head(code)

    def away(self, now: datetime, absences: Absences) -> frozenset[str]:
        return self._router.away(now, absences)

    def on_duty(self, share: Assignment, now: datetime, absences: Absences) -> str:
        return self._router.on_duty(share.unit, Posts(owner=share.owner, backup=share.backup), now, absences)

    def is_department(self, code: str) -> bool:
        return code in self._departments

    def plan(
        self,
        ticket: Ticket,
        now: datetime,
        *,
        category: str,
        kind: Kind,
        urgency: Urgency | None = None,
        unit: str | None = None,
        department: str | None = None,
        return_barred: bool = False,
    ) -> Routing:
        if department is not None:
            named = self._departments[department]
            return Routing(
                Destination.OUTSIDE,
                urgency or ticket.urgency,
                (f"由指挥中心转{named.name}办理",),
                department=named,
            )
        return self._router.route(
            replace(
                self._case(ticket),
                kind=kind,
                category=category,
                urgency=urgency,
                unit=unit,
                return_barred=return_barred,
                round=ticket.rehandled + 1,
                first_position=len(ticket.assignments) + 1,
            ),
            now,
            self._absences(),
        )

    def helper(self, ticket: Ticket, unit: str, now: datetime) -> Routing:
        routing = self.plan(ticket, now, category=ticket.category, kind=ticket.kind, urgency=ticket.urgency, unit=unit)
        return replace(routing, assignments=(replace(_first(routing), share=Share.HELPER),))

    def resolve_again(self, ticket: Ticket, now: datetime) -> Clock:
        lead = ticket.lead
        assert lead is not None, "only a ticket that a unit has resolved is worked again"
        again = self.plan(
            ticket, now, category=ticket.category, kind=ticket.kind, urgency=ticket.urgency, unit=lead.unit
        )
        clock = _first(again).clock(Stage.RESOLVE)
        assert clock is not None, "the router gives every share a resolve clock"
        return replace(clock, round=ticket.rehandled + 2)

    def extension_limit(self, ticket: Ticket) -> Limit:
        return self._router.extension_limit(self._case(ticket))

    def extended(self, clock: Clock, working_days: int) -> Clock:
        return self._router.extended_clock(clock, working_days)

    def paused_for(self, clock: Clock, start: datetime, end: datetime) -> Clock:
        return self._router.paused_clock(clock, start, end)

    def desk_clocks(self, ticket: Ticket, now: datetime) -> tuple[Clock, ...]:
        return self._router.desk_clocks(self._case(ticket), now)

    def _case(self, ticket: Ticket) -> Case:
        """The ticket as it stands. A platform that sent it again may have moved its deadline since."""
        return Case(
            complaint=replace(ticket.complaint, due_outer=ticket.due_outer),
            understanding=ticket.understanding,
            kind=ticket.kind,
            category=ticket.category,
            urgency=ticket.urgency,
            decided=True,
        )


def _first(routing: Routing) -> Assignment:
    """The share of a unit that a person chose. Raises NotAllowed where the rules give it none."""
    if not routing.assignments:
        raise NotAllowed(f"现有规则不能派给该单位：{'；'.join(routing.problems) or routing.why[-1]}")
    return routing.assignments[0]
