"""Working time between very many pairs of moments at once: each day is counted once, however many stretches cross it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from domain.worktime import WorkCalendar, local, midnight
from storage.figures import Seconds

_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = 60.0


class WorkedMinutes:
    """Minutes of office hours on a calendar, as `domain.worktime.working_minutes` counts them, from running totals."""

    def __init__(self, calendar: WorkCalendar) -> None:
        self._calendar = calendar
        self._first: date | None = None
        self._last: date | None = None
        self._moments: Seconds = np.empty(0)
        self._totals: NDArray[np.float64] = np.empty(0)

    def between(self, started: Seconds, ended: Seconds) -> NDArray[np.float64]:
        """Minutes from each start to its end; 0 where the end is not after the start."""
        if not len(started):
            return np.empty(0)
        self._know(_day_of(min(started.min(), ended.min())), _day_of(max(started.max(), ended.max())))
        # Between the openings and closings of a day the total grows evenly or stands.
        until, since = (np.interp(moments, self._moments, self._totals) for moments in (ended, started))
        return np.maximum(until - since, 0.0)

    def _know(self, first: date, last: date) -> None:
        """Make the running totals reach from the first day to the last, both included, and over what they reached before."""
        if self._first is not None and self._last is not None:
            if self._first <= first and last <= self._last:
                return
            first, last = min(first, self._first), max(last, self._last)
        moments, totals = [midnight(first).timestamp()], [0.0]
        day = first
        while day <= last:
            begins = midnight(day).timestamp()
            for opening, close in self._calendar.spans(day):
                moments += [begins + opening * _ONE_MINUTE, begins + close * _ONE_MINUTE]
                totals += [totals[-1], totals[-1] + close - opening]
            day += _ONE_DAY
        self._moments, self._totals = np.array([*moments, midnight(day).timestamp()]), np.array([*totals, totals[-1]])
        self._first, self._last = first, last


def _day_of(moment: float) -> date:
    return local(datetime.fromtimestamp(moment, UTC)).date()
