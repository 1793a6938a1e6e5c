"""Query parameters that several lists share: read once, refused by name, described once for OpenAPI."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from aiohttp import web

from domain.complaint import Kind, Urgency
from domain.light import Light
from domain.people import Actor, Role
from domain.ticket import Status
from domain.worktime import LOCAL, local
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import Parameter
from intake_bot.api.schemas import one_of
from storage.tickets import TicketFilter

E = TypeVar("E", bound=StrEnum)
_MOST_DIGITS = 18
"""Of a whole number: what is longer no row and no bound can have."""


def filter_parameters() -> tuple[Parameter, ...]:
    """The filters of a ticket list."""
    return (
        Parameter("status", "状态，可用逗号分隔多个", {"type": "string"}),
        Parameter("light", "灯色", one_of(Light)),
        Parameter("channel", "渠道代码，如 12345、e-steward、phone（来电）、web（市民网页）、wechat（公众号）"),
        Parameter("kind", "诉求类型", one_of(Kind)),
        Parameter("category", "事项分类代码"),
        Parameter("urgency", "紧急程度", one_of(Urgency)),
        Parameter("brigade", "承办单位代码，如 brigade-1"),
        Parameter("cell", "责任网格代码"),
        Parameter("handler", "经办人账号"),
        Parameter("from", "受理日期（含），如 2026-11-01", {"type": "string", "format": "date"}),
        Parameter("to", "受理日期（不含），如 2026-12-01", {"type": "string", "format": "date"}),
        Parameter("open", "true：只看未了结的", {"type": "boolean"}),
    )


def read_filter(request: web.Request, actor: Actor) -> TicketFilter:
    """The filter that the query asks for; a brigade member only ever sees the tickets of their own unit."""
    query = request.query
    statuses = tuple(
        _choice("status", word.strip(), Status) for word in query.get("status", "").split(",") if word.strip()
    )
    return TicketFilter(
        statuses=statuses,
        light=read_choice(request, "light", Light),
        channel=read_word(request, "channel"),
        kind=read_choice(request, "kind", Kind),
        category=read_word(request, "category"),
        urgency=read_choice(request, "urgency", Urgency),
        unit=actor.unit if actor.role is Role.BRIGADE else read_word(request, "brigade"),
        cell=read_word(request, "cell"),
        handler=read_word(request, "handler"),
        created_from=read_day(request, "from"),
        created_to=read_day(request, "to"),
        open_only=read_flag(request, "open"),
    )


def read_choice(request: web.Request, name: str, choices: type[E]) -> E | None:
    """One of an enumeration, or None where the parameter is absent. Raises `Problem` 422."""
    value = request.query.get(name)
    return _choice(name, value, choices) if value else None


def _choice(name: str, value: str, choices: type[E]) -> E:
    try:
        return choices(value)
    except ValueError:
        known = "、".join(choices)
        raise bad_fields([FieldError(name, f"{name} 不能是“{value[:40]}”；可用：{known}")]) from None


def read_number(request: web.Request, name: str, *, default: int, least: int, most: int) -> int:
    """A whole number within bounds. Raises `Problem` 422."""
    value = request.query.get(name)
    if value is None:
        return default
    number = whole_number(value)
    if number is None or not least <= number <= most:
        raise bad_fields([FieldError(name, f"{name} 应为 {least} 至 {most} 的整数")])
    return number


def whole_number(written: str) -> int | None:
    """The number that digits spell; None for anything else."""
    is_number = written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS
    return int(written) if is_number else None


def read_word(request: web.Request, name: str, *, longest: int = 64) -> str | None:
    """A code or a word to look for; None where it is absent or empty. Raises `Problem` 422 for what can be neither."""
    value = request.query.get(name)
    if value and (len(value) > longest or not value.isprintable()):
        raise bad_fields([FieldError(name, f"{name} 应为不含控制字符的文字，不超过 {longest} 个字符")])
    return value or None


def read_flag(request: web.Request, name: str) -> bool:
    """true/false (also 1/0); absent is false. Raises `Problem` 422."""
    value = request.query.get(name, "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise bad_fields([FieldError(name, f"{name} 应为 true 或 false")])
    return value in {"true", "1"}


def read_day(request: web.Request, name: str) -> datetime | None:
    """The first moment of a day in Shanghai. Raises `Problem` 422."""
    value = request.query.get(name)
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
        if not 2000 <= day.year <= 2100:
            raise ValueError
    except ValueError:
        raise bad_fields([FieldError(name, f"{name} 应为日期，例如 2026-11-01")]) from None
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)


def read_period(request: web.Request, now: datetime) -> tuple[datetime, datetime]:
    """`from` (default: the first of this month) up to, but without, `to` (default: tomorrow)."""
    today = local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    start = read_day(request, "from") or today.replace(day=1)
    end = read_day(request, "to") or today + timedelta(days=1)
    if start >= end:
        raise bad_fields([FieldError("to", "to 必须晚于 from")])
    return start, end
