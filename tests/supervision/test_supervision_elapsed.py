"""Running totals give what counting day by day gives."""

from __future__ import annotations

from datetime import UTC, datetime, time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.worktime import OfficeHours, Span, WorkCalendar, working_minutes
from supervision.elapsed import WorkedMinutes

moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 3, 1)).map(lambda at: at.replace(tzinfo=UTC))
SUMMER = WorkCalendar(
    office_hours=(
        OfficeHours((Span(time(8, 0), time(11, 30)), Span(time(14, 0), time(18, 0))), (5, 1), (9, 30)),
        OfficeHours(),
    )
)


@settings(deadline=None)  # the first looks at a calendar are slow
@given(
    pairs=st.lists(st.tuples(moments, moments), min_size=1, max_size=8),
    calendar=st.sampled_from((WorkCalendar(), SUMMER)),
)
def test_it_counts_as_the_calendar_does(pairs: list[tuple[datetime, datetime]], calendar: WorkCalendar) -> None:
    """One counter for all, so that it grows both ways."""
    counter = WorkedMinutes(calendar)
    for several in (pairs[:1], pairs):
        started, ended = (np.array([moment.timestamp() for moment in each]) for each in zip(*several, strict=True))
        counted = [working_minutes(start, end, calendar) for start, end in several]
        assert counter.between(started, ended) == pytest.approx(counted, abs=1e-6)


def test_nothing_takes_no_time() -> None:
    assert len(WorkedMinutes(WorkCalendar()).between(np.empty(0), np.empty(0))) == 0
