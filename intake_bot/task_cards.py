"""What a card in 企业微信 says of a task, and what its button means. It holds nothing of the reporter; of a confidential
matter or a report (举报) no more than its number and its deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.wecom.cards import Button, Card
from domain.disclosure import for_unit, hidden_from_units
from domain.limit import Stage
from domain.people import Actor, Role
from domain.ticket import STATUS_NAMES, Assignment, Status, Ticket
from intake_bot.house import House
from intake_bot.notice_wording import TITLES, heading
from intake_bot.pages.times import local_time
from storage.outbox import Delivery
from storage.users import UnknownUser

_SIGN = "sign"
CHANGED = "工单有新变化，请看后再签收"
_HIDDEN = "保密件或举报件，内容请登录后查看"


@dataclass(frozen=True, slots=True)
class Signing:
    """What pressing 签收 means: the share, and the version of the ticket that the card showed."""

    no: str
    position: int
    version: int

    @property
    def key(self) -> str:
        return f"{_SIGN}|{self.no}|{self.position}|{self.version}"


def signing_of(key: str) -> Signing | None:
    """What a button that was pressed means; None for one that is none of ours."""
    parts = key.split("|")
    if len(parts) != 4 or parts[0] != _SIGN or not all(one.isascii() and one.isdigit() for one in parts[2:]):
        return None
    return Signing(parts[1], int(parts[2]), int(parts[3]))


async def actor_of_account(house: House, account: str) -> Actor | None:
    """Who acts under an account as it stands now; None where there is no such user, or one that is disabled."""
    try:
        user = await house.store.users.get(account)
    except UnknownUser:
        return None
    return None if user.disabled else Actor(user.account, user.role, user.unit)


def notice_card(house: House, row: Delivery, ticket: Ticket | None, actor: Actor | None) -> Card:
    """The card of a notice: of one ticket, or of several at once or none."""
    title = heading(row)
    if ticket is None or row.about not in TITLES or row.about == "digest":
        return Card(house.settings.bureau.name, title, _address(house, actor), text=str(row.data.get("text", "")))
    share = next((one for one in ticket.assignments if one.position == row.data.get("position")), ticket.lead)
    order = next((one for one in ticket.orders if one.number == row.data.get("number")), None)
    text = str(row.data.get("text", "")) if order is None else order.requirement
    return task_card(house, ticket, share, actor, title, text)


def task_card(
    house: House, ticket: Ticket, share: Assignment | None, actor: Actor | None, title: str, text: str = ""
) -> Card:
    """A ticket as its handler learns of it. With the button 签收 where this person may sign for it now."""
    lines = [("工单", ticket.no)]
    hidden = hidden_from_units(ticket)
    if not hidden:
        lines.append(("事项", ticket.category_name))
        if ticket.complaint.place.address:
            lines.append(("地点", for_unit(ticket.complaint.place.address, ticket)))
    lines += [(name, local_time(due)) for name, due in _deadlines(share)]
    return Card(
        house.settings.bureau.name,
        title,
        _address(house, actor, ticket.no),
        text=_HIDDEN if hidden else for_unit(text, ticket),
        lines=tuple(lines),
        button=_button(ticket, share, actor),
    )


def state_words(ticket: Ticket, position: int) -> str:
    """How a share stands, in a word for a card that cannot be pressed any more."""
    share = next((one for one in ticket.assignments if one.position == position), None)
    if share is None or share.ended_at is not None:
        return "已不由本单位办理"
    return "已签收" if share.in_hand and share.accepted_at is not None else STATUS_NAMES[share.status]


def _button(ticket: Ticket, share: Assignment | None, actor: Actor | None) -> Button | None:
    if share is None or share.status is not Status.DISPATCHED or share.ended_at is not None or actor is None:
        return None
    if actor.role is not Role.BRIGADE or actor.unit != share.unit:
        return None
    return Button("签收", Signing(ticket.no, share.position, ticket.version).key)


def _deadlines(share: Assignment | None) -> list[tuple[str, datetime]]:
    if share is None:
        return []
    named = ((Stage.ACCEPT, "签收"), (Stage.RESOLVE, "办结"))
    found = ((f"{name}期限", share.clock(stage)) for stage, name in named)
    return [(name, clock.due_at) for name, clock in found if clock is not None and clock.stopped_at is None]


def _address(house: House, actor: Actor | None, no: str = "") -> str:
    """The page that the card opens: of the ticket, else the list, for whoever reads it."""
    page = "brigade" if actor is None or actor.role is Role.BRIGADE else "desk"
    return f"{house.settings.server.public_url}/{page}" + (f"/{no}" if no else "")
