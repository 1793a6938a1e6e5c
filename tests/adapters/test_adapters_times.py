"""Times as platforms, people and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.problems import Unfit
from adapters.times import DEFAULT_FORMATS, TimeFormats, check_format

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
USUAL = TimeFormats(DEFAULT_FORMATS, SHANGHAI)


def fault(formats: TimeFormats, value: object, *, deadline: bool = False) -> str:
    with pytest.raises(Unfit) as refused:
        (formats.deadline if deadline else formats.report_time)(value, NOW)
    return refused.value.faults[0].code


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-24 09:12:33",
        " 2026-11-24  09:12:33 ",
        "２０２６-11-24 09:12:33",
        "20261124091233",
        20261124091233,
        "2026/11/24 09:12:33",
        "2026/11/24 9:12:33",
        "2026年11月24日 09:12:33",
        "2026年11月24日09:12:33",
        "2026.11.24 09:12:33",
        "2026-11-24T09:12:33",
        "2026-11-24T09:12:33+08:00",
        "2026-11-24T09:12:33+0800",
        "2026-11-24T09:12:33 +08",
        "2026-11-24t01:12:33z",
        "2026-11-24T01:12:33Z",
        "2026-11-23T20:12:33-05:00",
        "1795482753",
        1795482753,
        1795482753.0,
        "1795482753.9",
        "1795482753000",
        1795482753000,
        "46350.38371527778",
        46350.38371527778,
    ],
)
def test_one_moment_in_every_form(written: object) -> None:
    assert USUAL.report_time(written, NOW) == datetime(2026, 11, 24, 1, 12, 33, tzinfo=UTC)
    assert USUAL.parse(written)[1]


@pytest.mark.parametrize("written", ["2026-11-24 09:12", "2026/11/24 9:12", "2026年11月24日 9时12分", "202611240912"])
def test_minutes_are_enough(written: str) -> None:
    assert USUAL.report_time(written, NOW) == datetime(2026, 11, 24, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["2026-11-24", "2026/11/24", "2026.11.24", "2026年11月24日", "20261124", 20261124, "46350"]
)
def test_a_bare_date_is_its_beginning_and_as_a_deadline_its_end(written: object) -> None:
    assert USUAL.report_time(written, NOW) == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert USUAL.deadline(written, NOW) == datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC)


def test_fractions_of_a_second_are_kept_as_far_as_they_go() -> None:
    assert USUAL.report_time("2026-11-24T09:12:33.123456789+08:00", NOW).microsecond == 123456
    assert USUAL.report_time(1795482753123, NOW).microsecond == 123000
    assert (
        TimeFormats(["%Y-%m-%d %H:%M:%S.%f"], SHANGHAI).report_time("2026-11-24 09:12:33.5", NOW).microsecond == 500000
    )


@pytest.mark.parametrize(
    "written",
    [
        "昨天上午",
        "2026-13-01 09:12:33",
        "2026-02-30 09:12:33",
        "2026-11-24 25:12:33",
        "2026-11-24 09:61:33",
        "0000-00-00 00:00:00",
        "0001-01-01 00:00:00",
        "0000-11-24 09:12:33",
        "2026-11-24T09:12:33+99:00",
        "24/11/2026",
        "2026-11-24 09:12:33 下午",
        "99999999999999",
        "-1",
        "1e9",
        -5,
        2**70,
        1e300,
        float("1.5"),
    ],
)
def test_what_is_no_time_is_refused(written: object) -> None:
    assert fault(USUAL, written) == "format"


@pytest.mark.parametrize("written", [True, [], {}, None])
def test_what_is_no_text_is_refused(written: object) -> None:
    assert fault(USUAL, written) == "type"


def test_absurd_dates_are_refused() -> None:
    for written in ("1999-12-31 23:59:59", "1970-01-01 08:00:00", "1000-01-01 00:00:00", 100000000, "36525"):
        assert fault(USUAL, written) == "range"
    assert USUAL.report_time("2000-01-01 00:00:00", NOW).year == 1999  # in UTC
    day_ahead = NOW + timedelta(hours=24)
    assert USUAL.report_time(day_ahead.isoformat(), NOW) == day_ahead
    assert fault(USUAL, (day_ahead + timedelta(seconds=1)).isoformat()) == "range"
    assert fault(USUAL, "9999-12-31 23:59:59") == "range"


def test_a_deadline_may_lie_ahead_but_not_for_ever() -> None:
    assert USUAL.deadline("2029-11-01", NOW).year == 2029
    for written in ("2030-01-01", "9999-12-31", "1999-12-31"):
        assert fault(USUAL, written, deadline=True) == "range"


def test_a_time_without_zone_is_local_unless_the_zone_is_asked_for() -> None:
    assert TimeFormats(["iso"], ZoneInfo("Asia/Urumqi")).parse("2026-11-24 09:12:33")[0].hour == 3
    with_zone = TimeFormats(["iso_zone"], SHANGHAI)
    assert with_zone.parse("2026-11-24T01:12:33Z")[0].hour == 1
    assert fault(with_zone, "2026-11-24T09:12:33") == "format"


def test_only_the_formats_named_are_taken() -> None:
    american = TimeFormats(["%m/%d/%Y"], SHANGHAI)
    assert american.parse("11/24/2026")[0] == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert fault(american, "2026-11-24") == "format"


def test_the_message_shows_how_it_would_be_right() -> None:
    with pytest.raises(Unfit) as refused:
        TimeFormats(["%Y%m%d%H%M%S", "epoch"], SHANGHAI).parse("昨天")
    assert "20261124091233、1795482753" in refused.value.faults[0].message


@pytest.mark.parametrize(
    "written", ["", "%Y-%m", "%Y-%m-%d %Y", "%y-%m-%d", "%Y-%m-%d %p", "%Y-%m-%d %", "ISO", "unix"]
)
def test_a_format_that_is_none_is_refused_at_start(written: str) -> None:
    with pytest.raises(ValueError, match="时间格式"):
        check_format(written)


@pytest.mark.parametrize("written", DEFAULT_FORMATS)
def test_each_default_format_is_one(written: str) -> None:
    assert check_format(written) == written
