from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from nlu.embedded.least_squares import PENALTY, balanced, fit


def test_with_few_features_it_reaches_the_exact_weighted_ridge_solution() -> None:
    order = np.random.default_rng(3)
    rows = order.normal(size=(60, 6)).astype(np.float32)
    truth = order.integers(0, 3, 60)
    importance = order.uniform(0.5, 2.0, 60).astype(np.float32)
    weights, offsets = fit(sparse.csr_matrix(rows), truth, 3, importance)
    for one in range(3):
        exact = Ridge(alpha=PENALTY).fit(rows, np.where(truth == one, 1.0, -1.0), sample_weight=importance)
        np.testing.assert_allclose(weights[:, one], exact.coef_, atol=2e-3)
        np.testing.assert_allclose(offsets[one], exact.intercept_, atol=2e-3)


def test_rare_classes_count_more_but_not_beyond_the_root_of_balance() -> None:
    truth = np.array([0] * 90 + [1] * 10)
    counted = balanced(truth, 3, np.ones(100, dtype=np.float32))
    assert counted[95] / counted[5] == pytest.approx(3.0)
