from __future__ import annotations

import math

import pytest

from nlu.claims import CODE_RELIABILITY, bonus_of_code


def test_a_code_that_leaves_fewer_labels_open_says_more() -> None:
    assert bonus_of_code(1, 191) > bonus_of_code(2, 191) > bonus_of_code(40, 191) > 0


def test_among_equally_likely_labels_the_meant_one_gets_the_codes_reliability() -> None:
    lent = math.exp(bonus_of_code(1, 191))
    assert lent / (lent + 190) == pytest.approx(CODE_RELIABILITY)


@pytest.mark.parametrize(("meant", "labels"), [(0, 191), (191, 191), (180, 191)])
def test_a_code_that_tells_nothing_lends_nothing(meant: int, labels: int) -> None:
    assert bonus_of_code(meant, labels) == 0
