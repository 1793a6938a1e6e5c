"""工单: a complaint on its way, its assignments to units and their limits. Not: what may be done (`lifecycle`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.complaint import Complaint, Kind, Urgency
from domain.light import Light
from domain.limit import Stage
from domain.understanding import Understanding


class Status(StrEnum):
    """Where a ticket, or one unit's share of it, stands."""

    TRIAGE = "triage"  # 待研判: waits at the desk for a person
    DISPATCHED = "dispatched"  # 待签收
    ACCEPTED = "accepted"  # 办理中
    RETURNED = "returned"  # 退单待审
    EXTENDED = "extended"  # 延期待审
    SUSPENDING = "suspending"  # 挂起待审
    SUSPENDED = "suspended"  # 已挂起: its limits are paused
    RESOLVED = "resolved"  # 已办结, 待回访
    FOLLOWED_UP = "followed_up"  # 已回访, 待结案
    CLOSED = "closed"  # 结案
    TRANSFERRED = "transferred"  # 已转外部门
    MERGED = "merged"  # 已并入另一工单
    REJECTED = "rejected"  # 不予受理


STATUS_NAMES: dict[Status, str] = {
    Status.TRIAGE: "待研判",
    Status.DISPATCHED: "待签收",
    Status.ACCEPTED: "办理中",
    Status.RETURNED: "退单待审",
    Status.EXTENDED: "延期待审",
    Status.SUSPENDING: "挂起待审",
    Status.SUSPENDED: "已挂起",
    Status.RESOLVED: "已办结待回访",
    Status.FOLLOWED_UP: "已回访待结案",
    Status.CLOSED: "已结案",
    Status.TRANSFERRED: "已转外部门",
    Status.MERGED: "已并单",
    Status.REJECTED: "不予受理",
}

WAITING: frozenset[Status] = frozenset({Status.RETURNED, Status.EXTENDED, Status.SUSPENDING})
"""A request of the unit waits for a ruling."""

IN_HAND: frozenset[Status] = WAITING | {Status.DISPATCHED, Status.ACCEPTED, Status.SUSPENDED}
"""A unit has it and has not finished."""

OPEN: frozenset[Status] = IN_HAND | {Status.TRIAGE}
"""Somebody of ours still owes the citizen something."""

FINISHED: frozenset[Status] = frozenset({Status.CLOSED, Status.MERGED, Status.REJECTED})
"""Nothing more happens unless the platform sends the matter again."""


class Share(StrEnum):
    """主办 or 协办."""

    LEAD = "lead"
    HELPER = "helper"


@dataclass(frozen=True, slots=True)
class Clock:
    """A running limit. It stops when its step is done; `stopped_at` after `due_at` means overdue.

    `original_due_at` keeps the first deadline when an extension moved `due_at` by `extended_by` working days or a pause moved
    it. `pauses`: from when to when it stood still; `paused_at`: since when it stands still now, or stood when it was stopped.
    `round` counts re-handlings from 1.
    Only clocks with a duty behind them light up: `return` is a right, not a duty.
    """

    stage: Stage
    limit: str
    rule: str
    started_at: datetime
    due_at: datetime
    yellow_at: datetime
    original_due_at: datetime
    provisional: bool = False
    reasons: tuple[str, ...] = ()
    light: Light = Light.GREEN
    stopped_at: datetime | None = None
    round: int = 1
    extended_by: int = 0
    paused_at: datetime | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def runs(self) -> bool:
        return self.stopped_at is None and self.paused_at is None

    @property
    def paused(self) -> bool:
        return self.stopped_at is None and self.paused_at is not None

    @property
    def lights_up(self) -> bool:
        return self.runs and self.stage is not Stage.RETURN

    def overdue(self, now: datetime) -> bool:
        return (self.paused_at or self.stopped_at or now) > self.due_at


@dataclass(frozen=True, slots=True)
class Assignment:
    """派单: one unit's share of a ticket. `position` counts from 1 within the ticket.

    `owner` is the A post, `backup` the B post and `handler` the one of them on duty; all are account codes of
    `config.yml`. `stands_in_for`: whose work the handler does until that one is back; empty where it is the handler's own.
    `return_barred`: the command centre has ruled; this unit may not return it.
    """

    position: int
    share: Share
    unit: str
    status: Status
    dispatched_at: datetime
    owner: str = ""
    backup: str = ""
    handler: str = ""
    area: str = ""
    cell: str = ""
    light: Light = Light.GREEN
    clocks: tuple[Clock, ...] = ()
    return_barred: bool = False
    extensions: int = 0
    accepted_at: datetime | None = None
    contacted_at: datetime | None = None
    resolved_at: datetime | None = None
    ended_at: datetime | None = None  # taken off this unit: re-dispatched, merged, or the lead finished
    result: str = ""
    request: dict[str, object] | None = None  # the return, extension or suspension that waits for a ruling
    stands_in_for: str = ""
    suspended_until: datetime | None = None  # when an approved suspension ends by itself

    @property
    def in_hand(self) -> bool:
        return self.ended_at is None and self.status in IN_HAND

    def clock(self, stage: Stage) -> Clock | None:
        """The newest clock of a stage; None when this share has none."""
        found = [clock for clock in self.clocks if clock.stage is stage]
        return max(found, key=lambda clock: clock.round) if found else None


@dataclass(frozen=True, slots=True)
class Gap:
    """程序缺项: a step that should have happened and has not. `blocking` ones are red, the others yellow."""

    code: str
    position: int
    opened_at: datetime
    blocking: bool = False
    cured_at: datetime | None = None


class PressLevel(StrEnum):
    """蓝、橙、红: a reminder, a warning with a limit, an order because it is overdue or was not answered."""

    BLUE = "blue"
    ORANGE = "orange"
    RED = "red"


LEVEL_NAMES: dict[PressLevel, str] = {
    PressLevel.BLUE: "蓝色提醒",
    PressLevel.ORANGE: "橙色警示",
    PressLevel.RED: "红色督办",
}


class PressCause(StrEnum):
    """Why a matter is pressed: a supervisor said so, or a rule."""

    SUPERVISOR = "supervisor"
    OVERDUE = "overdue"
    URGED = "urged"  # the citizen asked often, or said often that it is not solved
    REFUSED = "refused"  # the unit may not return it, by ruling, and is late


@dataclass(frozen=True, slots=True)
class PressOrder:
    """督办: what a unit (position 0: the desk) must do and answer for, by when. `number` counts from 1 within the ticket.

    `due_at` None: a reminder without a limit. `lapsed_at`: its share was over before it was answered. `reported_at`: red, due
    and not answered, it was reported to those above.
    """

    number: int
    position: int
    level: PressLevel
    cause: PressCause
    requirement: str
    issued_at: datetime
    issued_by: str
    due_at: datetime | None = None
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    lapsed_at: datetime | None = None
    reported_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.answered_at is None and self.lapsed_at is None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A complaint on its way. `version` grows by one with every change, so that two people cannot change it at once."""

    id: int
    no: str
    complaint: Complaint
    understanding: Understanding
    kind: Kind
    category: str
    category_name: str
    urgency: Urgency
    status: Status
    created_at: datetime
    why: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()  # rules that failed while routing; shown red
    refer_to: str = ""  # code of the outside department
    refer_to_name: str = ""
    assignments: tuple[Assignment, ...] = ()
    desk_clocks: tuple[Clock, ...] = ()
    gaps: tuple[Gap, ...] = ()
    orders: tuple[PressOrder, ...] = ()
    light: Light = Light.GREY
    due_outer: datetime | None = None
    returns: int = 0
    redispatches: int = 0
    extensions: int = 0
    urges: int = 0
    presses: int = 0
    rehandled: int = 0
    merged_into: str = ""
    resolved_at: datetime | None = None
    followed_up_at: datetime | None = None
    solved: str = ""  # yes, partly, no; as the citizen said
    satisfaction: str = ""  # satisfied, basically, unsatisfied
    closed_at: datetime | None = None
    source_version: int = 0  # the newest re-handling suffix seen
    version: int = 1

    @property
    def lead(self) -> Assignment | None:
        """The 主办 share that counts now; None at the desk or outside."""
        for assignment in reversed(self.assignments):
            if assignment.share is Share.LEAD and assignment.ended_at is None:
                return assignment
        return None

    @property
    def due_inner(self) -> datetime | None:
        """Our own deadline: the lead's resolve clock."""
        clock = self.lead.clock(Stage.RESOLVE) if self.lead else None
        return clock.due_at if clock else None
