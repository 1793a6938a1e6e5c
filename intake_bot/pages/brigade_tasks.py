"""A handler's list: which of the unit's tickets are whose, what is due first, how many there are of each. Not: HTML or SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from domain.complaint import KIND_NAMES, Urgency
from domain.disclosure import for_unit
from domain.light import Light
from domain.limit import STAGE_NAMES
from domain.people import Actor
from domain.ticket import WAITING, Assignment, Clock, Share, Status, Ticket
from intake_bot.house import House

EXCERPT = 64
"""Characters of the complaint that a row shows."""
PLACE = 60
"""Characters of the address that a row shows."""
_SEVERITY = {Light.RED: 0, Light.YELLOW: 1, Light.GREEN: 2, Light.GREY: 3}


@dataclass(frozen=True, slots=True)
class Task:
    """One row. `stage` and `due`: the limit that ends first; none where nothing runs. `handler`: empty where it is mine."""

    no: str
    status: Status
    light: Light
    stage: str
    due: datetime | None
    matter: str
    kind: str
    urgency: Urgency
    place: str
    excerpt: str
    mine: bool
    handler: str
    stands_in_for: str
    helps: bool
    joint: bool
    urges: int
    orders: int
    rehandled: int
    resolved_at: datetime | None

    @property
    def unsigned(self) -> bool:
        return self.status is Status.DISPATCHED


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the list under one heading."""

    code: str
    title: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class TaskList:
    """Everything that the list shows. `left_out`: how many of the least urgent there was no room for."""

    groups: tuple[Group, ...]
    left_out: int

    def counts(self) -> dict[str, int]:
        """How many tasks in hand each filter shows."""
        in_hand = [one for group in self.groups if group.code != "finished" for one in group.tasks]
        return {
            "all": len(in_hand),
            "mine": sum(one.mine for one in in_hand),
            "red": sum(one.light is Light.RED for one in in_hand),
            "unsigned": sum(one.unsigned for one in in_hand),
        }


def task_list(
    house: House, in_hand: Sequence[Ticket], in_all: int, finished: Iterable[Ticket], actor: Actor
) -> TaskList:
    """The list of one handler, from the tickets that their unit has in hand and those that it finished lately."""
    tasks = [task for ticket in in_hand for task in _tasks(house, ticket, actor, in_hand=True)]
    tasks.sort(key=lambda one: (_SEVERITY[one.light], one.due.timestamp() if one.due else inf, one.no))
    waiting = WAITING | {Status.SUSPENDED}
    active = [one for one in tasks if one.status not in waiting]
    done = [task for ticket in finished for task in _tasks(house, ticket, actor, in_hand=False)[-1:]]
    return TaskList(
        (
            Group("mine", "我的任务", tuple(one for one in active if one.mine)),
            Group("unit", "本单位其他人的任务", tuple(one for one in active if not one.mine)),
            Group("waiting", "等待审批或已挂起", tuple(one for one in tasks if one.status in waiting)),
            Group("finished", "近七天办结", tuple(done)),
        ),
        in_all - len(in_hand),
    )


def _tasks(house: House, ticket: Ticket, actor: Actor, *, in_hand: bool) -> list[Task]:
    """A row for each of the unit's shares that are in hand, or that it has resolved."""
    own = [one for one in ticket.assignments if one.unit == actor.unit]
    wanted = [one for one in own if (one.in_hand if in_hand else one.resolved_at is not None)]
    return [_task(house, ticket, share, actor) for share in wanted]


def _task(house: House, ticket: Ticket, share: Assignment, actor: Actor) -> Task:
    clock = next_due(share) if share.in_hand else None
    mine = share.handler == actor.name
    name = house.router.person_name
    return Task(
        no=ticket.no,
        status=share.status,
        light=share.light,
        stage=STAGE_NAMES[clock.stage] if clock else "",
        due=clock.due_at if clock else None,
        matter=ticket.category_name or "事项待定",
        kind=KIND_NAMES[ticket.kind],
        urgency=ticket.urgency,
        place=place_of(house, ticket, share),
        excerpt=shortened(for_unit(ticket.complaint.text, ticket), EXCERPT),
        mine=mine,
        handler="" if mine else name(share.handler),
        stands_in_for=name(share.stands_in_for) if share.stands_in_for else "",
        helps=share.share is Share.HELPER,
        joint=len({one.unit for one in ticket.assignments if one.ended_at is None}) > 1,
        urges=ticket.urges,
        orders=sum(one.open and one.position == share.position for one in ticket.orders),
        rehandled=ticket.rehandled,
        resolved_at=share.resolved_at,
    )


def next_due(share: Assignment) -> Clock | None:
    """The running limit of a share that ends first; None where nothing runs."""
    return min((one for one in share.clocks if one.lights_up), key=lambda one: one.due_at, default=None)


def place_of(house: House, ticket: Ticket, share: Assignment) -> str:
    """Where, as short as a row has room for: the address as it was sent, else the cell's name."""
    address = for_unit(ticket.complaint.place.address, ticket)
    return shortened(address or (house.router.cell_name(share.cell) if share.cell else ""), PLACE)


def shortened(text: str, most: int) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= most else f"{one_line[: most - 1]}…"
