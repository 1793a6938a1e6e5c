"""A trained model: vocabulary, weights, calibration, and its report. It scores texts; it reads no claims and no places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nlu.calibration import Calibration
from nlu.embedded.features import Floats, Reading, Rows, Vocabulary, read
from nlu.embedded.gram_table import GramTable

Doubles = npt.NDArray[np.float64]
Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model makes of some texts, before any claim is weighed.

    `labels`: texts × labels, `kinds`: texts × kinds: raw scores, which the model's calibrations make probabilities.
    """

    reading: Reading
    rows: Rows
    labels: Doubles
    kinds: Doubles


@dataclass(frozen=True, slots=True)
class Model:
    """One version. `labels` are category codes (or the labels of the user's own data), `kinds` the five kinds or none.

    `fingerprint`: of all it was trained on and the code; `base`: the same of the corpus alone, without corrections.
    `weights`: (features, labels + kinds) float16, which halves what a service keeps and changes no answer that rounding
    would not; `offsets`: (labels + kinds,); `of_labels`, `of_kinds`: how their
    scores become honest probabilities; `report`: what training measured, plain JSON values;
    `judged_texts`, `judged_right`: digests of the labelled training texts, and whether cross-validation got each right.
    """

    version: str
    fingerprint: str
    base: str
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    dictionary: GramTable
    vocabulary: Vocabulary
    weights: Halves
    offsets: Floats
    of_labels: Calibration
    of_kinds: Calibration
    report: dict[str, Any]
    judged_texts: npt.NDArray[np.uint64]
    judged_right: npt.NDArray[np.bool_]

    def score(self, texts: Sequence[str]) -> Scored:
        """Scores of the texts, in order. Takes any strings."""
        reading = read(texts, self.dictionary)
        rows = self.vocabulary.rows(reading)
        scores = np.asarray(rows.matrix @ self.weights.astype(np.float32), dtype=np.float64)
        scores += self.offsets
        return Scored(reading, rows, scores[:, : len(self.labels)], scores[:, len(self.labels) :])

    def label_probabilities(self, texts: Sequence[str]) -> Doubles:
        """(texts, labels) calibrated probabilities."""
        return self.of_labels.probabilities(self.score(texts).labels)
