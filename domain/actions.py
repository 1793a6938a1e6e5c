"""What must or may accompany each action, as plain types: the bodies of `/api/v1/tickets/{no}/{action}`.

`lifecycle.RULES` says which of these fields each action needs; here they are all optional so that what is
missing can be named field by field.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from domain.complaint import Kind, Urgency
from domain.lifecycle import Action


@dataclass(frozen=True, slots=True)
class Details:
    """Common to all. `assignment`: the position of the share concerned (default: the actor's, else the lead's)."""

    assignment: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Accept(Details):
    """签收."""


@dataclass(frozen=True, slots=True)
class Contact(Details):
    """联系诉求人. `reached`: whether the reporter was spoken to; only then the contact limit is kept."""

    reached: bool = True


@dataclass(frozen=True, slots=True)
class Return(Details):
    """退单. `reason_code`: one of the configured reasons; `basis`: its legal basis; `suggested_unit`: whose it is."""

    reason_code: str = ""
    basis: str = ""
    suggested_unit: str = ""


@dataclass(frozen=True, slots=True)
class Extend(Details):
    """延期: asked for with `working_days` and `reason`, decided with `decision`."""

    working_days: int = 0
    reason: str = ""
    decision: Literal["", "approved", "refused"] = ""


@dataclass(frozen=True, slots=True)
class Suspend(Details):
    """挂起: asked for with `reason` and `until` (its last day), decided with `decision`. The limits stand still meanwhile."""

    until: date | None = None
    reason: str = ""
    decision: Literal["", "approved", "refused"] = ""


@dataclass(frozen=True, slots=True)
class Resume(Details):
    """恢复办理 before the suspension ends by itself."""


@dataclass(frozen=True, slots=True)
class Transfer(Details):
    """转办: to another brigade, to an outside department, or to a colleague (`handler`). Rules on a return that waits.

    Exactly one of `brigade`, `department` and `handler`; `share` "helper" adds the brigade beside the lead.
    """

    brigade: str = ""
    department: str = ""
    handler: str = ""
    share: Literal["lead", "helper"] = "lead"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resolve(Details):
    """办结. `result` is what was done; `public_reply` what the citizen may read; `photos` addresses of pictures of how it is
    now, `photos_before` of how it was found."""

    result: str = ""
    public_reply: str = ""
    photos: tuple[str, ...] = ()
    photos_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp(Details):
    """回访. A valid follow-up reached the citizen and has an answer to `solved`; "no" sends the matter back to work."""

    reached: bool = True
    solved: Literal["", "yes", "partly", "no"] = ""
    satisfaction: Literal["", "satisfied", "basically", "unsatisfied"] = ""


@dataclass(frozen=True, slots=True)
class Close(Details):
    """结案; from the desk: 不予受理, with the reason and the way to go. `reason` also where no follow-up took place."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Press(Details):
    """督办. `requirement` is what must be done, `due_at` by when."""

    requirement: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnswerPress(Details):
    """答复督办. `order` is its number within the ticket; without one the oldest that waits for this unit's answer."""

    answer: str = ""
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Urge(Details):
    """催办 by the citizen or the platform."""


@dataclass(frozen=True, slots=True)
class Reclassify(Details):
    """重新分类 by a person, whose word counts: the ticket is routed again."""

    category: str = ""
    kind: Kind | None = None
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True)
class Merge(Details):
    """并单. `into` is the number of the ticket that goes on."""

    into: str = ""


DETAILS: dict[Action, type[Details]] = {
    Action.ACCEPT: Accept,
    Action.CONTACT: Contact,
    Action.RETURN: Return,
    Action.EXTEND: Extend,
    Action.SUSPEND: Suspend,
    Action.RESUME: Resume,
    Action.TRANSFER: Transfer,
    Action.RESOLVE: Resolve,
    Action.FOLLOW_UP: FollowUp,
    Action.CLOSE: Close,
    Action.PRESS: Press,
    Action.ANSWER_PRESS: AnswerPress,
    Action.URGE: Urge,
    Action.RECLASSIFY: Reclassify,
    Action.MERGE: Merge,
}
