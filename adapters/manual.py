"""What a person of ours enters: a phone call, a visitor, something seen on patrol. The body of `POST /api/v1/tickets`.

The same mechanism as the channels; the map is fixed because both ends are ours.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.body import members
from adapters.canonical import FieldName
from adapters.channel import decoded_object
from adapters.codes import SchemeSettings
from adapters.fields import Plan
from adapters.problems import BODY, FieldProblem, Refused, quoted
from adapters.schema import schema_of
from adapters.settings import FieldSettings, MapSettings
from domain.complaint import MANUAL_SOURCES, SOURCE_NAMES, Complaint

OWN_SCHEME = "own"
"""The scheme of a category code that our own operator chose: a leaf of our own tree."""

_NAMES = {word: name for word, name in SOURCE_NAMES.items() if word in MANUAL_SOURCES}

_MAP: dict[FieldName, FieldSettings] = {
    "source_no": FieldSettings(from_=("source_no",)),
    "content": FieldSettings(from_=("content",), required=True),
    "title": FieldSettings(from_=("title",)),
    "kind": FieldSettings(from_=("kind",), unknown="refuse"),
    "category": FieldSettings(from_=("category",)),
    "urgency": FieldSettings(from_=("urgency",)),
    "reporter_name": FieldSettings(from_=("reporter.name",)),
    "reporter_phone": FieldSettings(from_=("reporter.phone",)),
    "reporter_contact": FieldSettings(from_=("reporter.contact",)),
    "anonymous": FieldSettings(from_=("reporter.anonymous",)),
    "confidential": FieldSettings(from_=("reporter.confidential",)),
    "wants_follow_up": FieldSettings(from_=("reporter.wants_follow_up",)),
    "address": FieldSettings(from_=("address",)),
    "longitude": FieldSettings(from_=("longitude",)),
    "latitude": FieldSettings(from_=("latitude",)),
    "reported_at": FieldSettings(from_=("reported_at",)),
    "party": FieldSettings(from_=("party",)),
    "appeal": FieldSettings(from_=("appeal",)),
    "attachments": FieldSettings(from_=("attachments",)),
}


class ManualEntry:
    """Reads the entry form. Positions are WGS-84; times without a zone are local."""

    def __init__(self, timezone: str = "Asia/Shanghai") -> None:
        settings = MapSettings(timezone=timezone, schemes={"category": (SchemeSettings(scheme=OWN_SCHEME),)})
        self._plan = Plan(settings, _MAP, {})

    def read(self, raw: bytes, received_at: datetime, default_source_no: str = "") -> Complaint:
        """The complaint; its channel is the `source` of the form, its number `source_no` or else the default.

        `reported_at` defaults to `received_at`. Raises `Unreadable` when the body is not a JSON object, `Refused` with
        every bad field.
        """
        if members(raw, 1)[1]:
            raise Refused([FieldProblem(BODY, "一次录入一件，正文应为 JSON 对象，收到的是数组", "type")])
        fields = decoded_object(raw)
        source = fields.get("source")
        problems: list[FieldProblem] = []
        if not isinstance(source, str) or source not in MANUAL_SOURCES:
            given = f"{quoted(source)}不可用，" if source not in (None, "") else "必填，"
            allowed = "、".join(f"{word}（{name}）" for word, name in _NAMES.items())
            problems.append(FieldProblem("source", f"来源（source）{given}应为 {allowed} 之一", "value"))
        try:
            complaint = self._plan.read(fields, received_at, channel=str(source), raw=raw, source_no=default_source_no)
        except Refused as refused:
            raise Refused(problems + refused.problems) from None
        if problems:
            raise Refused(problems)
        return complaint

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the form, for OpenAPI."""
        schema = schema_of(_MAP, "录入诉求")
        described = "来源：" + "、".join(f"{word} {name}" for word, name in _NAMES.items())
        source = {"type": "string", "enum": list(_NAMES), "description": described}
        schema["properties"] = {"source": source, **schema["properties"]}
        schema["required"] = ["source", *schema["required"]]
        return schema
