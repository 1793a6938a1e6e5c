"""诉求: what a channel sent, normalised and never changed afterwards. Not: what we think of it (`understanding`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """诉求类型: exactly the five of the bureau's own rule."""

    CONSULTATION = "consultation"
    SUGGESTION = "suggestion"
    HELP = "help"
    COMPLAINT = "complaint"
    REPORT = "report"


KIND_NAMES: dict[Kind, str] = {
    Kind.CONSULTATION: "咨询",
    Kind.SUGGESTION: "建议",
    Kind.HELP: "求助",
    Kind.COMPLAINT: "投诉",
    Kind.REPORT: "举报",
}


class Urgency(StrEnum):
    """紧急程度: 一般, 紧急 (hard to mend later), 特急 (the same, with serious results)."""

    NORMAL = "normal"
    URGENT = "urgent"
    CRITICAL = "critical"


URGENCY_NAMES: dict[Urgency, str] = {Urgency.NORMAL: "一般", Urgency.URGENT: "紧急", Urgency.CRITICAL: "特急"}
URGENCY_ORDER: tuple[Urgency, ...] = (Urgency.NORMAL, Urgency.URGENT, Urgency.CRITICAL)


MANUAL_SOURCES: frozenset[str] = frozenset({"phone", "walk_in", "patrol"})
"""Sources that a person of ours enters."""

CITIZEN_SOURCES: frozenset[str] = frozenset({"web", "wechat"})
"""Sources where citizens speak to us themselves."""

OPEN311 = "open311"
"""Apps that report over the open standard; they ask how it stands, nobody reports to them."""

OWN_SOURCES: frozenset[str] = MANUAL_SOURCES | CITIZEN_SOURCES | {OPEN311}
"""Sources of our own."""

WECHAT = "wechat"
"""The one source of our own through which we can tell people by ourselves how their matter goes on."""

SOURCE_NAMES: dict[str, str] = {
    "phone": "来电",
    "walk_in": "来访",
    "patrol": "巡查",
    "web": "市民网页",
    "wechat": "公众号",
    "open311": "开放接口",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A class code in somebody's scheme, e.g. `Code("gbt47678.5", "2026", "06028", "噪声扰民")`."""

    scheme: str
    version: str
    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A position in WGS-84 degrees."""

    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where, as the channel said it. `platform_cell` is the platform's own grid code (单元网格标识码)."""

    address: str = ""
    point: Point | None = None
    platform_cell: str = ""


@dataclass(frozen=True, slots=True)
class Reporter:
    """诉求人. `confidential` (保密): the reporter must not become known to those complained about."""

    name: str = ""
    phone: str = ""
    contact: str = ""
    anonymous: bool = False
    confidential: bool = False
    wants_follow_up: bool = True


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that the channel names. We keep the address; nothing is fetched at intake."""

    url: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint as it came in. All times are aware and in UTC.

    `source_no` is the channel's number without its re-handling suffix; `source_version` is that suffix as a number
    (0 for the first). `claimed_kind`, `claimed_urgency` and `codes` are what the platform says: evidence, not truth.
    `raw` is what the channel sent for this complaint, byte for byte.
    """

    channel: str
    source_no: str
    reported_at: datetime
    received_at: datetime
    content: str
    source_version: int = 0
    title: str = ""
    claimed_kind: Kind | None = None
    claimed_kind_word: str = ""
    claimed_urgency: Urgency | None = None
    codes: tuple[Code, ...] = ()
    reporter: Reporter = field(default_factory=Reporter)
    place: Place = field(default_factory=Place)
    party: str = ""  # 被反映对象: the shop, company, site or person complained about
    appeal: str = ""  # 诉求目的: what the reporter wants done
    way: str = ""  # how it reached the platform: 电话, 微信, 信息采集员…
    industry: str = ""
    due_outer: datetime | None = None  # the platform's own deadline
    platform_dispatched_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    raw: bytes = b""
    raw_type: str = "application/json"

    @property
    def awaits_reports(self) -> bool:
        """Somebody is told step by step: the platform that sent it, or the person in WeChat."""
        return self.channel not in OWN_SOURCES or self.channel == WECHAT

    @property
    def text(self) -> str:
        """What the model reads: the title where it adds something, then the content."""
        if self.title and self.title not in self.content:
            return f"{self.title}。{self.content}"
        return self.content
