"""What a platform says of a ticket, carried into it: its own messages, and its answers to our reports.

What each word changes is the domain's business, how it is spelled the adapter's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.channel import Channel
from domain.event import Event
from domain.outcome import Notice, Outcome
from domain.people import SYSTEM, Actor, Role
from domain.platform import Heard, PlatformMessage, Said, hear
from domain.ticket import Ticket
from intake_bot.house import House
from storage.store import RequestKey

_MEANS: dict[str, Said] = {"resolved": Said.RESULT_REJECTED, "extension_asked": Said.EXTENSION_REFUSED}
"""The report that a platform did not take → what that says of the ticket; of other steps it is for a person to see."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message. `repeated`: it was carried out before, and nothing happened now."""

    ticket: Ticket
    applied: bool
    why: str
    repeated: bool


async def take_message(house: House, channel: Channel, no: str, message: PlatformMessage, now: datetime) -> Taken:
    """Carry a platform's message into a ticket, once for each of its numbers. Raises what `Store.change` raises."""
    actor = Actor(f"channel:{channel.code}", Role.CHANNEL)
    heard: list[Heard] = []

    def work(before: Ticket) -> Outcome:
        heard.append(hear(before, message, actor, now, house.planner))
        return heard[-1].outcome

    key = RequestKey(f"{actor.name}:{no}:{message.number}", now)
    ticket = await house.store.change(no, work, key=key)
    if not heard:
        return Taken(ticket, applied=False, why="", repeated=True)
    return Taken(ticket, heard[-1].applied, heard[-1].why, repeated=False)


async def take_refusal(
    house: House, channel: Channel, no: str, step: str, reason: str, report_key: str, now: datetime
) -> None:
    """A platform did not take our report of a step: what that means for the ticket is carried out, else it is recorded.

    `report_key` names the report, so that a refusal of the same report counts once.
    """
    if step in _MEANS:
        await take_message(house, channel, no, PlatformMessage(report_key, _MEANS[step], text=reason), now)
        return
    data = {"step": step, "reason": reason}

    def work(before: Ticket) -> Outcome:
        return Outcome(
            before, (Event("report_refused", now, SYSTEM.name, SYSTEM.role, data=data),), _told(before, data)
        )

    await house.store.change(no, work, key=RequestKey(f"refused:{report_key}", now))


async def note_shortcomings(house: House, no: str, step: str, names: list[str], report_key: str, now: datetime) -> None:
    """A report is not fit to be scored: before it goes, its unit is told what is missing, and the gap is on record."""
    text = "、".join(names)

    def work(before: Ticket) -> Outcome:
        position = before.lead.position if before.lead is not None else 0
        data = {"step": step, "note": text}
        event = Event("report_unfit", now, SYSTEM.name, SYSTEM.role, position, data)
        return Outcome(before, (event,), _told(before, {"reason": text}, about="report_unfit"))

    await house.store.change(no, work, key=RequestKey(f"unfit:{report_key}", now))


def _told(ticket: Ticket, data: dict[str, str], about: str = "report_refused") -> tuple[Notice, ...]:
    lead = ticket.lead
    if lead is None or not lead.handler:
        return ()
    return (Notice(f"account:{lead.handler}", about, {"position": lead.position, "text": data["reason"]}),)
