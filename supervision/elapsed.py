"""Working time between very many pairs of moments: each day is counted once, however many stretches cross it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.worktime import WorkCalendar, local

_ONE_DAY = timedelta(days=1)


class WorkedMinutes:
    """Minutes of office hours on a calendar, as `domain.worktime.working_minutes` counts them, from running totals."""

    def __init__(self, calendar: WorkCalendar) -> None:
        self._calendar = calendar
        self._totals: dict[date, float] = {}
        self._first: date | None = None
        self._last: date | None = None

    def between(self, start: datetime, end: datetime) -> float:
        """Minutes from `start` to `end` (aware); 0 when `end` is not after `start`."""
        first, last = local(start), local(end)
        if last <= first:
            return 0.0
        return self._until(last) - self._until(first)

    def _until(self, moment: datetime) -> float:
        """Minutes from the first known day up to a moment; negative before it."""
        day = moment.date()
        minute = moment.hour * 60 + moment.minute + (moment.second + moment.microsecond / 1_000_000) / 60
        spans = self._calendar.spans(day)
        return self._before(day) + sum(max(0.0, min(minute, close) - opening) for opening, close in spans)

    def _before(self, day: date) -> float:
        """Minutes of all days from the first known one up to, but without, `day`."""
        if self._first is None or self._last is None:
            self._first = self._last = day
            self._totals[day] = 0.0
        while self._last < day:
            following = self._last + _ONE_DAY
            self._totals[following] = self._totals[self._last] + self._minutes(self._last)
            self._last = following
        while self._first > day:
            preceding = self._first - _ONE_DAY
            self._totals[preceding] = self._totals[self._first] - self._minutes(preceding)
            self._first = preceding
        return self._totals[day]

    def _minutes(self, day: date) -> float:
        return sum(close - opening for opening, close in self._calendar.spans(day))
