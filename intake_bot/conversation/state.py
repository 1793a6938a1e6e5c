"""Where a dialogue stands: plain data that is kept in the database as JSON. Not: what follows from it (`table`)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from domain.complaint import Complaint, Kind, Point
from intake_bot.conversation.turns import Choice, Message

WECHAT_CONTACT = "wechat:"
"""What stands before an OpenID where a ticket keeps how its reporter can be reached."""


class Stage(StrEnum):
    """What was asked last, and so what an answer is about."""

    IDLE = "idle"  # nothing is asked
    MATTER = "matter"  # what has happened?
    SEVERAL = "several"  # one matter or several?
    REFER = "refer"  # another department's business: forward it all the same?
    PLACE = "place"
    SINCE = "since"
    PHOTO = "photo"
    PHONE = "phone"
    KIND = "kind"
    CONFIRM = "confirm"  # is this right, shall it be registered?
    ANSWERED = "answered"  # did the answer help?
    TICKET_NO = "ticket_no"
    TAIL = "tail"  # the last four digits of the phone number
    CASE = "case"  # a ticket was looked up
    SOLVED = "solved"  # is the trouble over?
    SATISFACTION = "satisfaction"
    URGENT_PLACE = "urgent_place"  # a danger is registered: where is it?
    URGENT_PHONE = "urgent_phone"


Slot = Literal["place", "since", "photo", "phone"]


@dataclass(frozen=True, slots=True)
class Draft:
    """One matter that is being taken down. `asked`: what was answered or passed over, and is not asked again.

    `coarse`: the place names no more than a village. `kind_chosen`: the person named the kind. `department`:
    whose business it is and its number, where it is not ours; `forward`: they want it registered all the same.
    `for_person`: somebody asked for a human being.
    """

    content: tuple[str, ...] = ()
    kind: Kind = Kind.COMPLAINT
    kind_chosen: bool = False
    matter: str = ""
    place: str = ""
    coarse: bool = False
    point: Point | None = None
    since: str = ""
    photos: tuple[str, ...] = ()
    asked: tuple[Slot, ...] = ()
    department: str = ""
    forward: bool = False
    for_person: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.content)

    @property
    def has_place(self) -> bool:
        return bool(self.place or self.point)


@dataclass(frozen=True, slots=True)
class Filing:
    """A ticket that came out of this dialogue. `sendings`: how often something was added to it."""

    ticket_no: str
    source_no: str
    filed_at: datetime
    sendings: int = 0
    emergency: bool = False


class File(msgspec.Struct, frozen=True, tag="file"):
    """Make a ticket of each complaint. `drafts`: how the matters are counted; `emergency`: details are still to come."""

    complaints: tuple[Complaint, ...]
    emergency: bool = False


class Add(msgspec.Struct, frozen=True, tag="add"):
    """Send a newer version of a complaint: what a person adds to a ticket that is there."""

    complaint: Complaint
    ticket_no: str


class LookUp(msgspec.Struct, frozen=True, tag="look_up"):
    """How a ticket stands, for somebody who knows its number and the phone's last four digits, or whose own it is."""

    ticket_no: str
    tail: str = ""
    own: bool = False


class Urge(msgspec.Struct, frozen=True, tag="urge"):
    """催办, in the person's words."""

    ticket_no: str
    words: str


class Rate(msgspec.Struct, frozen=True, tag="rate"):
    """The person's rating of a resolved ticket."""

    ticket_no: str
    solved: Literal["yes", "partly", "no"]
    satisfaction: Literal["satisfied", "basically", "unsatisfied"]


Deed = File | Add | LookUp | Urge | Rate


@dataclass(frozen=True, slots=True)
class Pending:
    """Deeds that a turn asks for, noted before they are done: whoever finds them does them, and nothing is done twice.

    `said`: what is to be answered before the outcome is told.
    """

    turn_id: str
    deed: Deed
    at: datetime
    said: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """The whole of a dialogue.

    `at`: the draft that is being asked about. `filed`: the ordinal of the newest source number. `case`: the ticket that is
    being talked about, `offers` what can be done with it. `wanted_no`: a number that waits for its four digits.
    `question`: what was answered from the question file. `hurried`: optional questions are left out; `worried`: somebody
    spoke of despair. `parts`: the several matters that one text seems to tell of. `offered`: the buttons shown last.
    """

    conversation: str
    channel: str = "web"
    contact: str = ""
    stage: Stage = Stage.IDLE
    drafts: tuple[Draft, ...] = ()
    at: int = 0
    parts: tuple[Draft, ...] = ()
    phone: str = ""
    no_phone: bool = False
    phone_misses: int = 0
    name: str = ""
    anonymous: bool = False
    confidential: bool = False
    hurried: bool = False
    worried: bool = False
    filed: int = 0
    filings: tuple[Filing, ...] = ()
    case: str = ""
    offers: tuple[str, ...] = ()
    wanted_no: str = ""
    question: str = ""
    solved: Literal["", "yes", "partly", "no"] = ""
    said_at: datetime | None = None
    offered: tuple[Choice, ...] = field(default=())
    pending: Pending | None = None

    @property
    def draft(self) -> Draft | None:
        return self.drafts[self.at] if self.at < len(self.drafts) else None

    def with_draft(self, draft: Draft) -> State:
        """The state with the draft that is being asked about changed; the first one where there is none."""
        if not self.drafts:
            return replace(self, drafts=(draft,), at=0)
        changed = (*self.drafts[: self.at], draft, *self.drafts[self.at + 1 :])
        return replace(self, drafts=changed)

    def filing(self, ticket_no: str) -> Filing | None:
        return next((one for one in self.filings if one.ticket_no == ticket_no), None)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(State)


def written(state: State) -> str:
    """The state as JSON text."""
    return _encoder.encode(state).decode()


def read(document: str) -> State:
    """The state of a JSON text. Raises `msgspec.ValidationError` for one that is none."""
    return _decoder.decode(document)


def source_no(conversation: str, ordinal: int) -> str:
    """The source number of a dialogue's ticket: the same draft registered twice is the same ticket."""
    return f"{conversation}-{ordinal}"
