"""How well the same trouble is recognised, on a set of our own and on real letters; the figures of `docs/sameness.md` hold."""

from __future__ import annotations

import pytest

from bench.sameness import JOIN, PROPOSE, Pair, counted, letters, made, made_pairs

MOST_WRONG_JOINS = 0.01


def rates(pairs: list[Pair], least: float, lost: int = 0) -> tuple[float, float]:
    right, wrong, there = counted(pairs, least)
    return right / (right + wrong), right / (there + lost)


def test_the_made_set_is_the_same_each_time() -> None:
    assert made(3, 4) == made(3, 4)
    assert len({one.group for one in made(3, 4)}) > 4


def test_on_made_groups_with_hard_negatives() -> None:
    pairs, lost, _, _ = made_pairs(3, 120)
    assert sum(not same for _, _, same in pairs) > 1_000, "there is something to be wrong about"
    precision, recall = rates(pairs, PROPOSE, lost)
    assert precision >= 0.75
    assert recall >= 0.85
    precision, recall = rates(pairs, JOIN)
    assert precision >= 1 - MOST_WRONG_JOINS
    assert recall >= 0.2


@pytest.mark.parametrize("half", [0, 1])
def test_on_real_letters_judged_by_hand(half: int) -> None:
    real = letters(half)
    if real is None:
        pytest.skip("../shared/data is not there")
    precision, recall = rates(real.judged, PROPOSE)
    assert precision >= 0.9
    assert recall >= 0.7
    _, wrong, _ = counted([*real.judged, *real.equal], JOIN)
    assert wrong == 0
    assert rates(real.equal, PROPOSE)[1] >= 0.9
