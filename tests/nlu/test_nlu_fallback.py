"""The circuit breaker: who may call when, on a clock that the test turns."""

from __future__ import annotations

from nlu.fallback import FIRST_WAIT, LONGEST_WAIT, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_after_a_failure_nobody_calls_until_the_wait_is_over_then_one_does() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    assert breaker.admits()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.is_closed
    clock.now += FIRST_WAIT - 0.01
    assert not breaker.admits()
    clock.now += 0.01
    assert breaker.admits()
    assert not breaker.admits(), "one probe at a time"
    breaker.succeeded()
    assert breaker.is_closed
    assert breaker.admits()


def test_the_wait_doubles_to_its_limit_and_begins_anew_after_a_success() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    waits = []
    for _ in range(9):
        assert breaker.admits()
        breaker.failed()
        waits.append(breaker.wait)
        clock.now += breaker.wait
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    assert breaker.admits()
    breaker.succeeded()
    breaker.failed()
    assert breaker.wait == FIRST_WAIT


def test_calls_that_were_under_way_at_the_first_failure_do_not_lengthen_the_wait() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5):
        assert breaker.admits()
    for _ in range(5):
        breaker.failed()
    assert breaker.wait == FIRST_WAIT


def test_a_probe_that_was_given_up_leaves_the_way_to_the_next_one() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed()
    clock.now += FIRST_WAIT
    assert breaker.admits()
    breaker.unclear()
    assert breaker.wait == FIRST_WAIT
    assert breaker.admits()
