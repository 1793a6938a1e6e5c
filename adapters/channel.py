"""The interface of a channel: raw bytes in, a `Complaint` or every reason against it out. Not: HTTP or storage."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any, cast
from zoneinfo import ZoneInfo

from adapters import body
from adapters.answers import ActionReader, refusal
from adapters.fields import Plan
from adapters.listing import Listed, listed
from adapters.problems import BODY, FieldProblem, Refused, Unreadable, type_name
from adapters.report import Report, ReportBack, Shortcoming, shortcomings
from adapters.schema import schema_of
from adapters.settings import ChannelSettings
from domain.complaint import Complaint
from domain.platform import PlatformMessage

__all__ = ["BODY", "Channel", "FieldProblem", "Refused", "Report", "Unreadable"]


class Channel:
    """A platform that sends JSON, made from its section of the configuration."""

    def __init__(self, settings: ChannelSettings) -> None:
        """Raises `ValueError` (Chinese) when words or defaults of the field map do not fit."""
        self.settings = settings
        self._plan = Plan(settings, settings.fields, settings.defaults)
        self._zone = ZoneInfo(settings.timezone)
        self._report_back = cast(ReportBack, import_module(f"adapters.{settings.adapter}.report_back"))
        self._actions = ActionReader(settings.actions, self._zone) if settings.actions is not None else None

    @property
    def code(self) -> str:
        return self.settings.code

    def members(self, request_body: bytes) -> tuple[list[bytes], bool]:
        """Each member's exact bytes, and whether the body was an array. Raises `Unreadable`."""
        return body.members(request_body, self.settings.max_members)

    def read(self, raw: bytes, received_at: datetime) -> Complaint:
        """One member as a complaint; `received_at` is aware. Raises `Refused` with every bad field."""
        return self._plan.read(decoded_object(raw), received_at, channel=self.settings.code, raw=raw)

    def report(self, report: Report) -> dict[str, Any] | None:
        """What the platform is told of a step, in its own fields and words; None when it does not hear of it."""
        return self._report_back.payload(report, self._zone)

    def shortcomings(self, report: Report, due_outer: datetime | None) -> tuple[Shortcoming, ...]:
        """What the platform would mark a report down for, found before it goes; `due_outer` is its deadline."""
        return shortcomings(report, self._report_back, due_outer)

    @property
    def says_more(self) -> bool:
        """Whether the platform sends messages about tickets that it has sent."""
        return self._actions is not None

    def source(self, number: str) -> tuple[str, int]:
        """A number as the platform writes it, without its re-handling suffix, and the suffix."""
        return self._plan.number(number)

    def message(self, raw: bytes) -> PlatformMessage:
        """A later message of the platform's. Raises `Refused` with every bad field."""
        assert self._actions is not None, "asked only where `says_more`"
        return self._actions.read(decoded_object(raw))

    def answered(self, answer: bytes, number: str) -> PlatformMessage | None:
        """What the platform's answer to a report of ours says of the ticket, if anything; `number` names the report."""
        fields = _fields(answer)
        if self._actions is None or not self._actions.speaks(fields):
            return None
        try:
            return self._actions.read(fields, number=number)
        except Refused:
            return None

    def refusal(self, answer: bytes) -> str:
        """Why the platform does not take a report, in its own words; empty where its answer does not say so."""
        return refusal(self.settings.receipt, _fields(answer)) if self.settings.receipt is not None else ""

    def listed(self, answer: bytes) -> list[Listed]:
        """The tickets of one page of the platform's own list. Raises `Unreadable`, also where no map says how to read it."""
        if self.settings.listing is None:
            raise Unreadable(f"渠道 {self.code} 没有列表格式（listing）")
        return listed(answer, self.settings.listing, self.settings.fields["source_no"].from_[0])

    def message_schema(self) -> dict[str, Any]:
        """The JSON schema of a later message, for OpenAPI."""
        assert self._actions is not None, "asked only where `says_more`"
        return self._actions.schema(f"{self.settings.name}后续消息")

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a member under this channel's field map, for OpenAPI."""
        return schema_of(self.settings.fields, self.settings.name)


def decoded_object(raw: bytes) -> dict[str, object]:
    """A member's fields under their own names. Raises `Refused` when it is not a JSON object."""
    try:
        value = body.decoded(raw)
    except Unreadable as error:
        raise Refused([FieldProblem(BODY, f"正文{error}", "unreadable")]) from None
    if not isinstance(value, dict):
        raise Refused([FieldProblem(BODY, f"每件诉求应为 JSON 对象，收到的是{type_name(value)}", "type")])
    return value


def _fields(answer: bytes) -> dict[str, object]:
    """An answer's fields; none where it is no JSON object."""
    try:
        value = body.decoded(answer)
    except Unreadable:
        return {}
    return value if isinstance(value, dict) else {}
