from __future__ import annotations

import numpy as np
import pytest

from nlu.calibration import Calibration, calibration_error, cross_fitted, measure, sharpness_of, softmax, threshold_for


def test_sharpness_makes_overdrawn_scores_honest() -> None:
    order = np.random.default_rng(1)
    honest = order.normal(size=(4000, 4)) * 1.5
    chances = softmax(honest)
    truth = np.array([order.choice(4, p=row) for row in chances])
    factor = sharpness_of(honest * 5, truth)
    assert factor == pytest.approx(0.2, rel=0.1)
    repaired = softmax(honest * 5 * factor)
    assert calibration_error(repaired.max(axis=1), repaired.argmax(axis=1) == truth) < 0.03
    overdrawn = softmax(honest * 5)
    assert calibration_error(overdrawn.max(axis=1), overdrawn.argmax(axis=1) == truth) > 0.1


def test_threshold_is_the_least_confidence_that_keeps_the_promise() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, True, False, True])
    assert threshold_for(confidence, right, 0.95) == (0.7, 0.6)
    assert threshold_for(confidence, ~right, 0.95) == (1.0, 0.0)
    tied = np.array([0.9, 0.7, 0.7, 0.7])
    assert threshold_for(tied, np.array([True, True, True, False]), 0.95) == (0.9, 0.25)


def test_figures_of_a_small_table() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    found = measure(probabilities, np.array([0, 1, 1, 1]), ["a", "b"])
    assert found.accuracy == 0.75
    assert found.per_label["a"] == (0.5, 1.0, pytest.approx(2 / 3), 1)
    assert found.per_label["b"] == (1.0, pytest.approx(2 / 3), 0.8, 3)
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert found.coverage == 0.75
    assert found.threshold == 0.7
    assert found.curve[0] == (1.0, 0.75, 0.6)
    reached = {least: (coverage, right) for least, coverage, right in found.by_confidence}
    assert reached[0.5] == (1.0, 0.75)
    assert reached[0.8] == (0.5, 1.0)
    assert reached[0.95] == (0.0, 1.0)


def test_a_calibration_is_honest_where_a_factor_alone_is_not() -> None:
    order = np.random.default_rng(7)
    scores = order.normal(size=(4000, 5)) * 4
    truth = scores.argmax(axis=1)
    wrong = order.random(4000) < 0.2  # whatever the scores say, a fifth is mislabelled
    truth[wrong] = order.integers(0, 5, int(wrong.sum()))
    fitted = Calibration.fit(scores[::2], truth[::2])
    found = fitted.probabilities(scores[1::2])
    assert calibration_error(found.max(axis=1), found.argmax(axis=1) == truth[1::2]) < 0.03
    by_factor = softmax(scores[1::2] * fitted.sharpness)
    assert calibration_error(by_factor.max(axis=1), by_factor.argmax(axis=1) == truth[1::2]) > 0.04
    assert (found.argmax(axis=1) == scores[1::2].argmax(axis=1)).all()
    assert ((found >= 0) & (found <= 1 + 1e-6)).all()
    cautious = fitted.probabilities(scores[1::2], raising=False)
    assert (cautious.max(axis=1) <= by_factor.max(axis=1) + 1e-9).all()
    checked = cross_fitted(scores, truth)
    assert calibration_error(checked.max(axis=1), checked.argmax(axis=1) == truth) < 0.03


def test_with_few_rows_a_calibration_is_a_factor_alone() -> None:
    scores = np.random.default_rng(1).normal(size=(40, 3))
    fitted = Calibration.fit(scores, scores.argmax(axis=1))
    assert fitted.said == ()
    np.testing.assert_allclose(fitted.probabilities(scores), softmax(scores * fitted.sharpness))


@pytest.mark.parametrize("calibration", [Calibration(1.7), Calibration(1.7, (0.2, 0.5, 0.9), (0.05, 0.6, 0.8))])
def test_the_best_alone_are_those_of_all_probabilities(calibration: Calibration) -> None:
    scores = np.random.default_rng(3).normal(size=(50, 6)) * 3
    scores[0] = 0.0  # nothing to choose by
    everything = calibration.probabilities(scores)
    for row, best in zip(everything, calibration.best(scores, 3), strict=True):
        assert len(best) == 3
        assert best[0][0] == row.argmax()
        assert [chance for _, chance in best] == pytest.approx(np.sort(row)[::-1][:3])
        assert all(chance == pytest.approx(row[at]) for at, chance in best)
    assert calibration.best(np.zeros((0, 6)), 3) == []


def test_a_confidence_is_worth_what_the_line_says_between_its_points() -> None:
    calibration = Calibration(1.0, (0.4, 0.6, 0.8), (0.1, 0.5, 0.9))
    for said, worth in ((0.34, 0.1), (0.5, 0.3), (0.6, 0.5), (0.75, 0.8), (0.99, 0.9)):
        scores = np.log([[said, *[(1 - said) / 2] * 2]])
        assert calibration.probabilities(scores)[0, 0] == pytest.approx(worth)
