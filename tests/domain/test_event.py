"""The chain of events: every part of every event is under its hash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from town import MONDAY

from domain.event import GENESIS, Event, canonical, chained
from domain.people import Role

EVENT = Event("accepted", MONDAY, "a3", Role.BRIGADE, 1, {"unit": "brigade-1", "note": "已签收"})


def test_the_hash_is_that_of_the_written_form() -> None:
    assert canonical(7, 3, EVENT) == (
        '[7,3,1,"accepted","2026-11-23T01:00:00.000000+00:00","a3","brigade",{"note":"已签收","unit":"brigade-1"}]'
    )
    assert chained(GENESIS, 7, 3, EVENT) == "07a5e309855f7e5c11cf38f03da3f1bd3f8854e0428a32655ad82ab6debb5823"


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "contacted"},
        {"at": MONDAY + timedelta(microseconds=1)},
        {"actor": "a4"},
        {"role": Role.ADMINISTRATOR},
        {"position": 2},
        {"data": {"unit": "brigade-1", "note": "已签收。"}},
    ],
)
def test_a_change_to_any_part_shows(changed: dict[str, object]) -> None:
    assert chained(GENESIS, 7, 3, replace(EVENT, **changed)) != chained(GENESIS, 7, 3, EVENT)  # type: ignore[arg-type]


def test_a_change_of_place_shows() -> None:
    known = chained(GENESIS, 7, 3, EVENT)
    assert len({known, chained(known, 7, 3, EVENT), chained(GENESIS, 8, 3, EVENT), chained(GENESIS, 7, 4, EVENT)}) == 4


def test_the_zone_a_moment_is_told_in_and_the_order_of_keys_do_not_show() -> None:
    elsewhere = replace(
        EVENT, at=MONDAY.astimezone(timezone(timedelta(hours=8))), data={"note": "已签收", "unit": "brigade-1"}
    )
    assert chained(GENESIS, 7, 3, elsewhere) == chained(GENESIS, 7, 3, EVENT)
