"""Times as people here say them: `11月27日 17:30`, `还剩 3 小时`, `超期 2 天`."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def local_time(at: datetime | str | None, now: datetime | None = None) -> str:
    """`11月27日 17:30`; of another year than now's with the year before it; empty for none."""
    if not at:
        return ""
    here = _aware(at).astimezone(LOCAL)
    year = (now or datetime.now(LOCAL)).astimezone(LOCAL).year
    day = f"{here.month}月{here.day}日 {here:%H:%M}"
    return day if here.year == year else f"{here.year}年{day}"


def local_day(at: datetime | str | None) -> str:
    """`2026-11-27`; empty for none."""
    return f"{_aware(at).astimezone(LOCAL):%Y-%m-%d}" if at else ""


def until(due: datetime | str | None, now: datetime) -> str:
    """How far a deadline is off: `还剩 3 小时`, `还剩 2 天`, `超期 40 分钟`; empty for none."""
    if not due:
        return ""
    left = _aware(due) - now
    return f"还剩 {_length(left)}" if left >= timedelta() else f"超期 {_length(-left)}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago something was: `40 分钟前`, `2 天前`."""
    return f"{_length(now - at)}前"


def _length(span: timedelta) -> str:
    if span < _HOUR:
        return f"{max(1, span // _MINUTE)} 分钟"
    if span < 2 * _DAY:
        hours, rest = divmod(span, _HOUR)
        minutes = rest // _MINUTE
        return f"{hours} 小时" if hours >= 6 or not minutes else f"{hours} 小时 {minutes} 分"
    return f"{span // _DAY} 天"


def _aware(at: datetime | str) -> datetime:
    """Times of a ticket, or of what the API would say about it (ISO 8601 with zone)."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at
