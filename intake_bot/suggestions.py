"""What the house would make of a call while the operator still types: a dry run of intake, and what was told before.

Nothing is stored. Not: the words of the answer (`api.suggestions`) or how it is shown (`pages.desk_new`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.manual import OWN_SCHEME
from domain.complaint import Code, Complaint, Place, Reporter
from domain.people import Actor
from domain.ticket import OPEN, Ticket
from intake_bot.house import House
from intake_bot.intake import draft
from storage.search import TooShort
from storage.tickets import TicketFilter, TicketSummary

LOOKING_BACK = timedelta(days=90)
"""How long ago a ticket about the same place may have come in to be shown."""

MOST_EARLIER = 8
_PLACES_ASKED = 3
_SHORTEST_PLACE = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`ticket`: the draft that the text would become; `None` where there is no text yet. Earlier tickets: open ones first."""

    ticket: Ticket | None
    same_caller: tuple[TicketSummary, ...]
    same_place: tuple[TicketSummary, ...]


async def suggest(
    house: House, actor: Actor, *, source: str, content: str, address: str, phone: str, category: str, now: datetime
) -> Suggestion:
    """The draft of a call as far as it was typed, and earlier tickets of the same number and place. `category`: the one that
    the operator has chosen; empty leaves it to the model."""
    ticket = None
    if content.strip():
        complaint = Complaint(
            channel=source,
            source_no="",
            reported_at=now,
            received_at=now,
            content=content,
            codes=(Code(OWN_SCHEME, "", category),) if category else (),
            reporter=Reporter(phone=phone),
            place=Place(address=address),
        )
        ticket = (await draft(house, [complaint], actor, now))[0].ticket
    caller = await house.store.tickets.of_number(phone, limit=MOST_EARLIER) if phone else []
    places = [address, *(ticket.understanding.places if ticket else ())]
    there = await told_about(house, places, now - LOOKING_BACK)
    known = {one.ticket_no for one in caller}
    return Suggestion(ticket, _open_first(caller), _open_first(one for one in there if one.ticket_no not in known))


async def told_about(house: House, places: Sequence[str], since: datetime) -> list[TicketSummary]:
    """Tickets since then that name one of the places, the most telling ones asked for."""
    found: dict[str, TicketSummary] = {}
    asked = [place for place in dict.fromkeys(one.strip() for one in places) if len(place) >= _SHORTEST_PLACE]
    for place in asked[:_PLACES_ASKED]:
        try:
            page = await house.store.search.find(
                "".join(place.split()), TicketFilter(created_from=since), limit=MOST_EARLIER
            )
        except TooShort:
            continue
        found |= {one.ticket_no: one for one in page.items}
    return list(found.values())


def _open_first(tickets: Iterable[TicketSummary]) -> tuple[TicketSummary, ...]:
    newest_first = sorted(tickets, key=lambda one: one.created_at, reverse=True)
    return tuple(sorted(newest_first, key=lambda one: one.status not in OPEN)[:MOST_EARLIER])
