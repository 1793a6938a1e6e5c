"""How good a model is and how well it knows: calibration, accuracy against coverage, the threshold that a target asks for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

TARGET_ACCURACY = 0.95
"""What the default threshold is to reach on the texts that are routed without a person."""

FEWEST_FOR_A_LINE = 300
"""With fewer checked rows than this a calibration is a factor alone."""

POINTS_OF_A_LINE = 30
BINS = 15
_ALMOST_NOTHING = 1e-6
CONFIDENCES = (0.4, 0.5, 0.56, 0.6, 0.65, 0.7, 0.8, 0.9, 0.95)
COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3)


def softmax(scores: Doubles) -> Doubles:
    """Row-wise probabilities of log-odds like scores."""
    powers: Doubles = np.exp(scores - scores.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


@dataclass(frozen=True, slots=True)
class Calibration:
    """From raw scores to honest probabilities: a factor, then what a confidence said was worth when it was checked.

    `said` → `worth`: a rising line through these points, for the most probable class; none: the softmax stands.
    """

    sharpness: float = 1.0
    said: tuple[float, ...] = ()
    worth: tuple[float, ...] = ()

    @classmethod
    def fit(cls, scores: Doubles, truth: Labels) -> Calibration:
        """From (rows, classes) scores of rows that the model had not seen."""
        sharpness = sharpness_of(scores, truth)
        if truth.size < FEWEST_FOR_A_LINE:
            return cls(sharpness)
        from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 (only training needs it)

        probabilities = softmax(scores * sharpness)
        confidence = probabilities.max(axis=1)
        line = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
            confidence, probabilities.argmax(axis=1) == truth
        )
        said = np.unique(np.quantile(confidence, np.linspace(0, 1, POINTS_OF_A_LINE)))
        steepness = 1e-3 * (said - said[0])  # so that of two confidences the higher one stays higher
        worth = np.minimum(line.predict(said) * (1 - 1e-3) + steepness, 1.0)
        return cls(sharpness, tuple(map(float, said)), tuple(map(float, worth)))

    def probabilities(self, scores: Doubles, *, raising: bool = True) -> Doubles:
        """(rows, classes) probabilities; the class with the highest score keeps the highest.

        Without `raising` a confidence is only ever lowered: for texts unlike those that were checked, so short that
        they say next to nothing, where something else (a claimed code) is to be weighed in.
        """
        if not self.said:
            return softmax(scores * self.sharpness)
        powers, totals = self._powers(scores)
        for row, total in zip(powers, totals, strict=True):
            best, share = self._shares(total, raising=raising)
            first = int(row.argmax())
            row *= share
            np.minimum(row, best * (1 - _ALMOST_NOTHING), out=row)
            row[first] = best
        return powers

    def best(self, scores: Doubles, number: int) -> list[list[tuple[int, float]]]:
        """For each row the `number` most probable classes with their `probabilities`, best first, without the others' cost."""
        powers, totals = self._powers(scores)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :number].tolist()
        found = []
        for row, total, classes in zip(powers, totals, order, strict=True):
            best, share = self._shares(total, raising=True) if self.said else (1 / total, 1 / total)
            most = best * (1 - _ALMOST_NOTHING) if self.said else best
            others = [(one, min(float(row[one]) * share, most)) for one in classes[1:]]
            found.append([(classes[0], best), *others])
        return found

    def _powers(self, scores: Doubles) -> tuple[Doubles, list[float]]:
        """The probabilities as multiples of the highest one of each row, and their sums."""
        powers: Doubles = scores - scores.max(axis=1, keepdims=True)
        powers *= self.sharpness
        np.exp(powers, out=powers)
        return powers, powers.sum(axis=1).tolist()

    def _shares(self, total: float, *, raising: bool) -> tuple[float, float]:
        """What the best class of a row gets, and the factor for the others, which share the rest as before."""
        before = 1 / total
        after = self._worth(before)
        if not raising:
            after = min(after, before)
        return after, (1 - after) / max(total - 1, _ALMOST_NOTHING * total)

    def _worth(self, confidence: float) -> float:
        """What a confidence is worth by the line; never nothing."""
        said, worth = self.said, self.worth
        right = bisect_right(said, confidence)
        if right == 0 or right == len(said):
            return max(worth[max(right - 1, 0)], _ALMOST_NOTHING)
        share = (confidence - said[right - 1]) / (said[right] - said[right - 1])
        return max(worth[right - 1] + share * (worth[right] - worth[right - 1]), _ALMOST_NOTHING)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one table row. `threshold`: the least confidence above which 95% are right; `coverage`: how many
    texts reach it; `curve`: (coverage, accuracy, confidence at that cut); `by_confidence`: (least confidence, coverage,
    accuracy of the texts that reach it, 1 where none does)."""

    rows: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    threshold: float
    coverage: float
    curve: tuple[tuple[float, float, float], ...]
    by_confidence: tuple[tuple[float, float, float], ...]
    per_label: dict[str, tuple[float, float, float, int]]

    def as_report(self) -> dict[str, Any]:
        """Plain JSON values; per label: precision, recall, F1, rows."""
        return {
            "rows": self.rows,
            "accuracy": round(self.accuracy, 4),
            "macro_f1": round(self.macro_f1, 4),
            "calibration_error": round(self.calibration_error, 4),
            "threshold": round(self.threshold, 4),
            "coverage": round(self.coverage, 4),
            "curve": [[round(one, 4) for one in point] for point in self.curve],
            "by_confidence": [[round(one, 4) for one in point] for point in self.by_confidence],
            "per_label": {label: [round(one, 4) for one in figures] for label, figures in self.per_label.items()},
        }


def sharpness_of(scores: Doubles, truth: Labels) -> float:
    """The factor for which the softmax of factor × scores gives the truth the best likelihood (temperature scaling).

    One error more than was seen is reckoned with (as Platt did), so that a few easy rows do not make a model certain.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 (only training needs it)

    doubt = 1 / (truth.size + 2)

    def loss(logarithm: float) -> float:
        scaled = scores * np.exp(logarithm)
        scaled -= scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled).sum(axis=1))
        hit = scaled[np.arange(truth.size), truth]
        return float((total - (1 - doubt) * hit - doubt * scaled.mean(axis=1)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 5.0), method="bounded").x))


def calibration_error(confidence: Doubles, right: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error over fifteen bins of equal width, 0 (honest) to 1."""
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    gaps = np.abs(
        np.bincount(place, weights=confidence, minlength=BINS) - np.bincount(place, weights=right, minlength=BINS)
    )
    return float(gaps.sum() / max(int(counts.sum()), 1))


def threshold_for(confidence: Doubles, right: npt.NDArray[np.bool_], target: float) -> tuple[float, float]:
    """The least confidence above which the share that is right reaches `target`, and the share of texts above it.

    When no cut reaches it: above every confidence seen, and 0.
    """
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, order.size + 1)
    ordered = confidence[order]
    last_of_ties = np.append(ordered[1:] != ordered[:-1], True) if order.size else np.zeros(0, dtype=bool)
    reached = np.flatnonzero((accuracy >= target) & last_of_ties)
    if not reached.size:
        return 1.0, 0.0
    return float(ordered[reached[-1]]), float((reached[-1] + 1) / order.size)


def measure(probabilities: Doubles, truth: Labels, labels: Sequence[str]) -> Measured:
    """All figures for (rows, labels) probabilities against the true places of `labels`."""
    guess = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = guess == truth
    per_label = _per_label(guess, truth, labels)
    threshold, coverage = threshold_for(confidence, right, TARGET_ACCURACY)
    order = np.argsort(-confidence, kind="stable")
    curve = []
    for share in COVERAGES:
        kept = order[: max(1, round(share * order.size))]
        curve.append((share, float(right[kept].mean()), float(confidence[kept[-1]])))
    by_confidence = []
    for least in CONFIDENCES:
        reached = right[confidence >= least]
        by_confidence.append((least, reached.size / right.size, float(reached.mean()) if reached.size else 1.0))
    return Measured(
        rows=int(truth.size),
        accuracy=float(right.mean()),
        macro_f1=float(np.mean([figures[2] for figures in per_label.values()])),
        calibration_error=calibration_error(confidence, right),
        threshold=threshold,
        coverage=coverage,
        curve=tuple(curve),
        by_confidence=tuple(by_confidence),
        per_label=per_label,
    )


def _per_label(guess: Labels, truth: Labels, labels: Sequence[str]) -> dict[str, tuple[float, float, float, int]]:
    """Precision, recall, F1 and rows of each label that stands in the truth or in the guesses."""
    hits = np.bincount(truth[guess == truth], minlength=len(labels))
    guessed = np.bincount(guess, minlength=len(labels))
    true = np.bincount(truth, minlength=len(labels))
    found = {}
    for at, label in enumerate(labels):
        if guessed[at] or true[at]:
            precision = float(hits[at] / guessed[at]) if guessed[at] else 0.0
            recall = float(hits[at] / true[at]) if true[at] else 0.0
            both = precision + recall
            found[label] = (precision, recall, 2 * precision * recall / both if both else 0.0, int(true[at]))
    return found


def cross_fitted(scores: Doubles, truth: Labels) -> Doubles:
    """Probabilities for rows of which each half is calibrated by the other: an honest look at a calibration."""
    found = np.empty_like(scores, dtype=np.float64)
    half = np.arange(truth.size) % 2 == 0
    for one in (half, ~half):
        found[one] = Calibration.fit(scores[~one], truth[~one]).probabilities(scores[one])
    return found
