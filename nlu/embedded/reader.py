"""Texts → their feature rows, one by one, as the service needs them: a little text in plain Python, much of it by NumPy.

For a text of fifty characters NumPy's cost per call would be most of the work, so short ones are read here; more is read
by `nlu.embedded.features`, which training uses too. Both give the same rows (a test holds it). Nothing is scored here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from nlu.embedded import features
from nlu.embedded.features import ANOTHER_WORD, OPENING_WEIGHT, Vocabulary, opening_of, without_quoted_reply
from nlu.embedded.gram_table import GramTable
from nlu.embedded.segmentation import LONGEST
from nlu.folding import GAP, HEAD_CHARACTERS, TAIL_CHARACTERS, excerpt, fold, unfolded

Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

MOST_FOR_PYTHON = 150
"""Characters in all the texts of a call; more are read by NumPy (measured: about as fast at this many)."""

_SEPARATOR = "\0"
_FIRST_WIDE = "\x80"
_PAIR = 2
REMEMBERED_WORDS = 1 << 14
_WEIGHT_OF_COUNT = 1 + np.log(np.maximum(np.arange(HEAD_CHARACTERS + TAIL_CHARACTERS + len(GAP) + 1), 1))
_ALL_64_BITS = (1 << 64) - 1
_WORD, _MIX = int(features.WORD), int(features.MIX)
_HALF = int(features.HALF)


@dataclass(frozen=True, slots=True)
class Read:
    """A text as the model sees it.

    `text`: the part that is read, `folded`: its characters folded, separators as spaces; `starts`, `ends`: of its words.
    `columns`, `values`: its feature row; `counts`: how often each of these features stands in it;
    `found`, `found_at`: each place where a known feature begins, in no particular order.
    """

    text: str
    folded: str
    starts: list[int]
    ends: list[int]
    columns: npt.NDArray[np.integer[Any]]
    values: npt.NDArray[np.floating[Any]]
    counts: Integers
    found: list[int]
    found_at: list[int]


class Reader:
    """Reads texts for one model. Holds the model's words and features as Python's own tables (some 40 MB)."""

    def __init__(self, dictionary: GramTable, vocabulary: Vocabulary) -> None:
        keys = vocabulary.table.keys().tolist()
        self._features = {key: at for at, key in enumerate(keys[: vocabulary.words])}
        grams = {_characters(key): at for at, key in enumerate(keys[vocabulary.words :], vocabulary.words)}
        words = set(map(_characters, dictionary.keys().tolist()))
        # What two characters begin: their column and one, times eight, and a bit for each length of word.
        begins = dict.fromkeys((gram for gram in grams if len(gram) == _PAIR), 0)
        for gram in begins:
            begins[gram] = grams[gram] + 1 << LONGEST - 1
        for word in words:
            begins[word[:_PAIR]] = begins.get(word[:_PAIR], 0) | 1 << len(word) - _PAIR
        self._begins = begins
        self._longer_words = {word for word in words if len(word) > _PAIR}
        self._longer_grams = {gram: at for gram, at in grams.items() if len(gram) > _PAIR}
        self._dictionary, self._vocabulary = dictionary, vocabulary
        self._idf = vocabulary.idf.astype(np.float64)
        self._remembered: dict[str, tuple[int, int, int]] = {}

    def read(self, texts: Sequence[str]) -> list[Read]:
        """The texts, in order. Takes any strings."""
        if sum(map(len, texts)) > MOST_FOR_PYTHON:
            return self._read_together(texts)
        return [self._read_alone(text) for text in texts]

    def _read_together(self, texts: Sequence[str]) -> list[Read]:
        reading = features.read(texts, self._dictionary)
        rows = self._vocabulary.rows(reading)
        matrix = rows.matrix
        counts = np.bincount(rows.occurrence_entry, minlength=matrix.data.size)
        text_of = reading.text_of(rows.occurrence_at)
        order = np.argsort(text_of, kind="stable")
        found = matrix.indices.take(rows.occurrence_entry.take(order)).tolist()
        found_at = (rows.occurrence_at - reading.offsets.take(text_of)).take(order).tolist()
        bounds = np.searchsorted(text_of, np.arange(len(texts) + 1), sorter=order).tolist()
        words = np.searchsorted(reading.starts, reading.offsets).tolist()
        offsets = reading.offsets.tolist()
        folded = unfolded(reading.points)
        found_in = []
        for at, text in enumerate(reading.texts):
            features_of = slice(*matrix.indptr[at : at + 2].tolist())
            words_of, places = slice(words[at], words[at + 1]), slice(bounds[at], bounds[at + 1])
            found_in.append(
                Read(
                    text,
                    folded[offsets[at] : offsets[at + 1] - 1],
                    (reading.starts[words_of] - offsets[at]).tolist(),
                    (reading.ends[words_of] - offsets[at]).tolist(),
                    matrix.indices[features_of],
                    matrix.data[features_of],
                    counts[features_of],
                    found[places],
                    found_at[places],
                )
            )
        return found_in

    def _read_alone(self, whole: str) -> Read:
        text = excerpt(whole)
        opening = opening_of(text)
        folded = fold(without_quoted_reply(text)).tobytes().decode("utf-16-le")
        closed = folded + _SEPARATOR
        begins = self._begins.get
        begun = [begins(closed[at : at + _PAIR], 0) for at in range(len(folded))]
        starts, ends = self._cut(folded, begun)
        words, words_at = self._words(folded, starts, ends)
        grams, grams_at = self._grams(closed, begun)
        count_of_words, count_of_grams = Counter(words), Counter(grams)
        columns = np.array([*count_of_words, *count_of_grams], dtype=np.int64)
        counts = np.array([*count_of_words.values(), *count_of_grams.values()], dtype=np.int64)
        values = self._idf.take(columns)
        middle = len(count_of_words)
        _weigh(values[:middle], counts[:middle], words, bisect_left(words_at, opening))
        _weigh(values[middle:], counts[middle:], grams, bisect_left(grams_at, opening))
        return Read(
            text, folded.replace(_SEPARATOR, " "), starts, ends, columns, values, counts,
            words + grams, words_at + grams_at,
        )  # fmt: skip

    def _cut(self, folded: str, begun: list[int]) -> tuple[list[int], list[int]]:
        """Where each word begins and ends: as `nlu.embedded.segmentation.words_of`."""
        longer = self._longer_words
        starts, ends = [], []
        at, size = 0, len(folded)
        while at < size:
            character = folded[at]
            if character == _SEPARATOR:
                at += 1
                continue
            starts.append(at)
            if character < _FIRST_WIDE:
                at += 1
                while at < size and _SEPARATOR < folded[at] < _FIRST_WIDE:
                    at += 1
            else:
                lengths = begun[at]
                if lengths & 4 and folded[at : at + 4] in longer:
                    at += 4
                elif lengths & 2 and folded[at : at + 3] in longer:
                    at += 3
                else:
                    at += 1 + (lengths & 1)
            ends.append(at)
        return starts, ends

    def _words(self, folded: str, starts: list[int], ends: list[int]) -> tuple[list[int], list[int]]:
        """The known words and word pairs, and where each begins, ascending."""
        found, found_at = [], []
        pairs, remembered = self._features.get, self._remembered.get
        before, last_at = 0, 0
        for start, end in zip(starts, ends, strict=True):
            word = folded[start : min(end, start + LONGEST)]
            column, key, next_before = remembered(word) or self._look_up(word)
            if column < 0:
                before = 0
                continue
            if before:
                # A pair that was learnt consists of words that were learnt.
                pair = pairs(((before ^ key) * _MIX) & _ALL_64_BITS)
                if pair is not None:
                    found.append(pair)
                    found_at.append(last_at)
            found.append(column)
            found_at.append(start)
            before, last_at = next_before, start
        return found, found_at

    def _look_up(self, word: str) -> tuple[int, int, int]:
        """The column of a word, -1 where the model does not know it; its feature key, and what this is in a pair's key when it
        is the first of the pair."""
        key = 0
        for character in word:
            key = key << 16 | ord(character)
        key = ((key ^ _WORD) * _MIX) & _ALL_64_BITS
        key ^= key >> _HALF
        if len(self._remembered) >= REMEMBERED_WORDS:
            self._remembered.clear()
        found = (self._features.get(key, -1), key, key * 3 & _ALL_64_BITS)
        self._remembered[word] = found
        return found

    def _grams(self, closed: str, begun: list[int]) -> tuple[list[int], list[int]]:
        """The known neighbours of two and three characters, and where each begins, ascending."""
        found, found_at = [], []
        longer = self._longer_grams.get
        for at, pair in enumerate(begun):
            column = (pair >> LONGEST - 1) - 1
            if column >= 0:
                found.append(column)
                found_at.append(at)
                # Three neighbours that were learnt begin with two that were.
                three = longer(closed[at : at + 3])
                if three is not None:
                    found.append(three)
                    found_at.append(at)
        return found, found_at


def _weigh(idf: Doubles, counts: Integers, found: list[int], opening: int) -> None:
    """Turn the idf of some features into their values, in place.

    (1 + log count) · idf, brought to length one, a short row to less; then the same for the opening alone is mixed in.
    `found`: the features in order of place, of which the first `opening` lie in the opening: these have the first columns.
    """
    if opening == len(found):
        _normalise(idf, counts, opening, 1.0)
        return
    opens = list(Counter(found[:opening]).values())
    of_opening = idf[: len(opens)].copy()
    _normalise(of_opening, opens, opening, OPENING_WEIGHT)
    _normalise(idf, counts, len(found), 1 - OPENING_WEIGHT)
    idf[: len(opens)] += of_opening


def _normalise(values: Doubles, counts: Integers | list[int], found: int, share: float) -> None:
    if values.size < found:
        values *= _WEIGHT_OF_COUNT.take(counts)
    values *= share / sqrt(values @ values + ANOTHER_WORD**2)


def _characters(key: int) -> str:
    """The one to four folded characters of a gram's key."""
    return key.to_bytes(2 * LONGEST, "big").decode("utf-16-be").lstrip(_SEPARATOR)
