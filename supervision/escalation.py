"""升级: who is told of a light when, and 督办 by rule. Pure; the store sees to it that each step is taken once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.complaint import Urgency
from domain.deadline import deadline
from domain.event import Event
from domain.handling.pressing import by_rule, ordered
from domain.light import Light
from domain.limit import Limit, Stage
from domain.outcome import Notice, Outcome
from domain.people import SYSTEM
from domain.planning import Planner
from domain.ticket import Assignment, Clock, PressCause, PressLevel, Ticket
from domain.worktime import WorkCalendar, local
from supervision.settings import EscalationStep, PressOrder, Recipient, SupervisionSettings

ESCALATED = "escalated"


@dataclass(frozen=True, slots=True)
class ClockKey:
    """Which clock of a ticket; position 0 is the desk."""

    position: int
    stage: Stage
    round: int


def clock_of(ticket: Ticket, key: ClockKey) -> tuple[Assignment | None, Clock | None]:
    """The share and the clock of a key; None for a clock that is not there or whose share has ended."""
    share = next((one for one in ticket.assignments if one.position == key.position and one.ended_at is None), None)
    clocks = ticket.desk_clocks if key.position == 0 else share.clocks if share is not None else ()
    found = next((clock for clock in clocks if clock.stage is key.stage and clock.round == key.round), None)
    return share, found


class Ladder:
    """The configured steps, asked about one clock at a time."""

    def __init__(self, settings: SupervisionSettings, calendar: WorkCalendar, planner: Planner) -> None:
        self._settings = settings
        self._calendar = calendar
        self._planner = planner
        self.steps: Sequence[EscalationStep] = settings.escalation

    def urgencies(self, now: datetime) -> tuple[Urgency, ...]:
        """The urgencies of tickets of which people may be told now; the others wait for the end of the quiet hours."""
        hours = self._settings.quiet_hours
        return hours.except_urgency if hours is not None and hours.cover(local(now).time()) else tuple(Urgency)

    def climbed(self, clock: Clock, taken: int, now: datetime) -> int:
        """How many steps of the ladder a clock has come to at `now`, at least those that are taken."""
        count = taken
        for step in self.steps[taken:]:
            if not self._is_due(step, clock, now):
                break
            count += 1
        return count

    def _is_due(self, step: EscalationStep, clock: Clock, now: datetime) -> bool:
        if clock.light is not Light.RED and clock.light is not step.light:
            return False
        began = clock.yellow_at if step.light is Light.YELLOW else clock.due_at
        return step.after is None or deadline(began, Limit.parse(step.after), self._calendar).due_at <= now

    def take(self, ticket: Ticket, key: ClockKey, taken: int, until: int, now: datetime) -> Outcome:
        """Take the steps from `taken` up to `until` for a clock that runs: tell people, press by rule.

        Steps of a light that has passed already tell nobody. One event names the steps, the light and who was told.
        """
        share, clock = clock_of(ticket, key)
        if clock is None or not clock.lights_up or self.climbed(clock, taken, now) < until:
            return Outcome(ticket, ())
        steps = [step for step in self.steps[taken:until] if step.light is clock.light]
        told = tuple(
            dict.fromkeys(one for step in steps for one in accounts(step.tell, share, self._settings, self._planner))
        )
        data = {
            "stage": clock.stage.value,
            "round": clock.round,
            "light": clock.light.value,
            "steps": [taken + 1, until],
            "told": list(told),
            "due_at": clock.due_at.isoformat(),
        }
        event = Event(ESCALATED, now, SYSTEM.name, SYSTEM.role, key.position, data)
        about = {"position": key.position, "stage": clock.stage.value, "light": clock.light.value}
        notices = tuple(
            Notice(
                f"account:{account}",
                f"light_{clock.light.value}",
                {**about, "due_at": clock.due_at.isoformat()},
                hold=self._hold(ticket),
            )
            for account in told
        )
        outcome = Outcome(ticket, (event,), notices)
        for step in steps:
            if step.press is not None and clock.stage is Stage.RESOLVE:
                outcome = self._pressed(outcome, step.press, share, now)
        return outcome

    def _hold(self, ticket: Ticket) -> timedelta:
        """What is urgent is told at once."""
        minutes = self._settings.digest_minutes if ticket.urgency is Urgency.NORMAL else 0
        return timedelta(minutes=minutes)

    def _pressed(self, before: Outcome, order: PressOrder, share: Assignment | None, now: datetime) -> Outcome:
        due_at = deadline(now, Limit.parse(order.within), self._calendar).due_at
        step = by_rule(before.ticket, share, now, self._planner)
        pressed = ordered(step, PressLevel.RED, PressCause.OVERDUE, order.requirement, due_at)
        return replace(pressed, events=(*before.events, *pressed.events), notices=(*before.notices, *pressed.notices))


def accounts(
    recipients: Iterable[Recipient], share: Assignment | None, settings: SupervisionSettings, planner: Planner
) -> Iterator[str]:
    """Whom a share's recipients are; of a ticket that waits at the desk (no share) the supervisors know."""
    for recipient in recipients:
        if recipient is Recipient.BUREAU_HEAD:
            found: tuple[str, ...] = (settings.bureau_head,)
        elif recipient is Recipient.SUPERVISION or share is None:
            found = settings.supervisors
        elif recipient is Recipient.UNIT_HEAD:
            found = (planner.unit_head(share.unit),)
        else:
            found = (share.handler if recipient is Recipient.HANDLER else share.backup,)
        yield from (account for account in found if account)
