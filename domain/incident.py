"""同一事件: one trouble, told in several tickets, and what of a complaint is compared to tell so.

Not: how alike two complaints are (`router.sameness`), nor what joining does to a ticket (`handling.joining`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.complaint import Point


@dataclass(frozen=True, slots=True)
class Signature:
    """What of a complaint is compared. It holds no name and no number of the reporter.

    `places` are road, estate or landmark words without the town's name, with the house number where there is one
    (`恬庄南街18号`); whole villages are not among them: that is what `cell` is for. `parties` are names of shops, companies and
    sites, and plates. `grams` maps pieces of the text (hashed, two characters each) to how telling they are. `marks` are
    hashes that two texts of much the same wording share with high probability. `reporter` is a key, empty where unknown.
    """

    at: datetime
    category: str
    group: str
    reporter: str = ""
    cell: str = ""
    point: Point | None = None
    places: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    grams: tuple[tuple[int, float], ...] = ()
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for (positive `weight`) or against two complaints being the same trouble, in words."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Sameness:
    """The chance, between 0 and 1, that two complaints are about the same trouble; reasons, the strongest first.

    `same_reporter`: the same person told it again (重复诉求), which is another thing than a neighbour's complaint.
    """

    chance: float
    reasons: tuple[Reason, ...] = ()
    same_reporter: bool = False

    @property
    def why(self) -> tuple[str, ...]:
        """What speaks for it, in words."""
        return tuple(reason.text for reason in self.reasons if reason.weight > 0)


class ProposalState(StrEnum):
    """What became of a proposal that two tickets are one trouble."""

    OPEN = "open"  # waits for a person
    DUE = "due"  # sure enough to be joined by rule, which happens next
    ACCEPTED = "accepted"
    REFUSED = "refused"
    REPEAT = "repeat"  # 重复诉求, or of a matter that is finished: shown, not for joining


@dataclass(frozen=True, slots=True)
class Proposal:
    """`no` may be the same trouble as the earlier ticket `other`."""

    no: str
    other: str
    chance: float
    why: tuple[str, ...]
    same_reporter: bool
    state: ProposalState
    made_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A ticket of an incident. `left_at`: when it was taken out again (拆分)."""

    no: str
    leads: bool
    chance: float
    why: tuple[str, ...]
    joined_at: datetime
    joined_by: str
    left_at: datetime | None = None
    left_by: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """同一事件: the lead's assignment is the one task; every member keeps its own number, clocks, reply and rating."""

    number: int
    members: tuple[Member, ...]

    @property
    def lead(self) -> Member:
        """The member whose task is worked on."""
        return next(member for member in self.members if member.leads and member.left_at is None)

    @property
    def joined(self) -> tuple[Member, ...]:
        """The members beside the lead that are in it now."""
        return tuple(member for member in self.members if not member.leads and member.left_at is None)
