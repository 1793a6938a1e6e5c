"""The canonical fields: what a channel can tell us of a complaint, whatever it calls it. Not: its own names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Shape(Enum):
    """How a field's value is read; `options` are the settings of a field map that this shape listens to."""

    TEXT = "text", frozenset[str]()
    LINE = "line", frozenset[str]()
    NUMBER = "number", frozenset({"version_suffix"})
    PHONE = "phone", frozenset[str]()
    TIME = "time", frozenset({"format"})
    DEADLINE = "deadline", frozenset({"format"})
    KIND = "kind", frozenset({"values", "unknown"})
    URGENCY = "urgency", frozenset({"values", "unknown"})
    FLAG = "flag", frozenset({"values", "unknown"})
    CODE = "code", frozenset({"values", "unknown"})
    CODES = "codes", frozenset({"values", "unknown"})
    PAIR = "pair", frozenset[str]()
    DEGREES = "degrees", frozenset[str]()
    FILES = "files", frozenset[str]()

    def __init__(self, word: str, options: frozenset[str]) -> None:
        self.word = word
        self.options = options


@dataclass(frozen=True, slots=True)
class Canonical:
    """One field: its Chinese label for messages, its shape and its longest value in characters."""

    label: str
    shape: Shape
    limit: int = 0


FieldName = Literal[
    "source_no",
    "reported_at",
    "content",
    "title",
    "kind",
    "urgency",
    "category",
    "category_name",
    "pollution_types",
    "pollution_details",
    "reporter_name",
    "reporter_phone",
    "reporter_contact",
    "anonymous",
    "confidential",
    "wants_follow_up",
    "address",
    "platform_cell",
    "coordinates",
    "longitude",
    "latitude",
    "party",
    "appeal",
    "way",
    "industry",
    "due_outer",
    "platform_dispatched_at",
    "attachments",
]

CodeField = Literal["category", "pollution_types", "pollution_details"]
"""Fields whose values are class codes: each needs its schemes."""

FIELDS: dict[FieldName, Canonical] = {
    "source_no": Canonical("编号", Shape.NUMBER, 64),
    "reported_at": Canonical("反映时间", Shape.TIME),
    "content": Canonical("诉求内容", Shape.TEXT, 20_000),
    "title": Canonical("标题", Shape.LINE, 300),
    "kind": Canonical("诉求类型", Shape.KIND),
    "urgency": Canonical("紧急程度", Shape.URGENCY),
    "category": Canonical("事项代码", Shape.CODE),
    "category_name": Canonical("事项名称", Shape.LINE, 200),
    "pollution_types": Canonical("污染类型", Shape.CODES),
    "pollution_details": Canonical("污染细类", Shape.CODES),
    "reporter_name": Canonical("诉求人姓名", Shape.LINE, 100),
    "reporter_phone": Canonical("诉求人电话", Shape.PHONE, 50),
    "reporter_contact": Canonical("联系方式", Shape.PHONE, 100),
    "anonymous": Canonical("是否匿名", Shape.FLAG),
    "confidential": Canonical("是否保密", Shape.FLAG),
    "wants_follow_up": Canonical("是否回访", Shape.FLAG),
    "address": Canonical("地址", Shape.LINE, 500),
    "platform_cell": Canonical("单元网格代码", Shape.LINE, 50),
    "coordinates": Canonical("坐标", Shape.PAIR),
    "longitude": Canonical("经度", Shape.DEGREES),
    "latitude": Canonical("纬度", Shape.DEGREES),
    "party": Canonical("被反映对象", Shape.LINE, 300),
    "appeal": Canonical("诉求目的", Shape.TEXT, 2_000),
    "way": Canonical("受理方式", Shape.LINE, 100),
    "industry": Canonical("行业类型", Shape.LINE, 200),
    "due_outer": Canonical("办理期限", Shape.DEADLINE),
    "platform_dispatched_at": Canonical("派单时间", Shape.TIME),
    "attachments": Canonical("附件", Shape.FILES),
}

INDISPENSABLE: tuple[FieldName, ...] = ("source_no", "content")
"""Without these there is no complaint to speak of, whatever a map says."""
