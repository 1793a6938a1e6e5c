"""Texts that share whole passages: what one teaches about the other is no proof. Used only to measure honestly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nlu.embedded.features import Reading
from nlu.embedded.segmentation import LONGEST, grams_of

SHARED_PASSAGES = 0.15
"""A text of which more than this share of its eight-character passages stands in another text is no independent witness."""

_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(33)


def independent(reading: Reading) -> npt.NDArray[np.bool_]:
    """For each text whether it shares hardly any passage of eight characters with another one of the reading."""
    fours = grams_of(reading.points)[LONGEST - 1]
    passages = fours[:-LONGEST] * _MIX
    passages ^= passages >> _HALF
    passages ^= fours[LONGEST:]
    text = reading.text_of(np.arange(passages.size))
    inside = np.arange(passages.size) + 2 * LONGEST < reading.offsets[text + 1]
    passages, text = passages[inside], text[inside]
    order = np.lexsort((text, passages))
    passages, text = passages[order], text[order]
    fresh = np.ones(passages.size, dtype=bool)
    fresh[1:] = (passages[1:] != passages[:-1]) | (text[1:] != text[:-1])
    passages, text = passages[fresh], text[fresh]
    _, place, counts = np.unique(passages, return_inverse=True, return_counts=True)
    texts = len(reading.texts)
    shared = np.bincount(text, weights=counts[place] > 1, minlength=texts)
    return shared <= SHARED_PASSAGES * np.bincount(text, minlength=texts)
