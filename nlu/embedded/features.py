"""Texts → sparse feature rows: words, word pairs, two and three neighbouring characters, tf-idf, the opening weighed apart.

All texts of a call are read as one long array, so that the cost per text falls with their number. The same code
serves training and the service: what was learnt is what is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from nlu.embedded.gram_table import GramTable, Keys
from nlu.embedded.segmentation import LONGEST, Positions, grams_of, words_of
from nlu.folding import Points, excerpt, fold

Floats = npt.NDArray[np.float32]

OPENING_WEIGHT = 0.4
"""Share of the title or first sentence, counted once more for itself, in a text's feature row (measured: 0.3–0.5)."""

OPENING_CHARACTERS = 40
"""A first sentence longer than this is cut here."""

ANOTHER_WORD = 10.0
"""Every text is read as though it held one more, unknown feature of this weight (idf is 1 to 10): the two or three words
of “请处理” are thus no match for a whole description."""

_SENTENCE_END = re.compile(r"[。！？!?；;\n]")
_QUOTED_REPLY = re.compile(
    r"(?:回复|答复|答覆|回覆|告知|反馈)(?:我|我们|本人|市民|来电人)?(?:说|称|道|是|为|内容)?[:：，,]?\s*[“\"「『][^”\"」』]{4,400}[”\"」』]"
)
_REPLY_MARK = re.compile(r"[复馈知][^“\"「『]{0,6}[“\"「『]")
WORD = np.uint64(0x5851F42D4C957F2D)
MIX = np.uint64(0xFF51AFD7ED558CCD)
_THREE = np.uint64(3)
HALF = np.uint64(33)
_SIXTEEN = np.uint64(16)
_LAST_CHARACTER = np.uint64(0xFFFF)
_ALMOST_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Reading:
    """What several texts look like to the model before anything is looked up.

    `texts` are the excerpts, `offsets` where each begins in the long array (and the end), `openings` where the opening of
    each ends. `starts` and `ends` are those of all words. `keys` are the candidate features of all texts: the first
    `words` of them stand for words and pairs, the rest for characters; `at` is the position of each.
    """

    texts: tuple[str, ...]
    offsets: Positions
    openings: Positions
    points: Points
    starts: Positions
    ends: Positions
    keys: Keys
    at: Positions
    words: int

    def text_of(self, positions: Positions) -> Positions:
        """Which text each position lies in."""
        if len(self.texts) == 1:
            return np.zeros(positions.size, dtype=np.int64)
        return np.searchsorted(self.offsets, positions, side="right") - 1


def without_quoted_reply(text: str) -> str:
    """The text with what an earlier answer is quoted to have said blanked out: those are not the writer's words."""
    if not _REPLY_MARK.search(text):
        return text
    return _QUOTED_REPLY.sub(lambda found: " " * len(found[0]), text)


def read(texts: Sequence[str], dictionary: GramTable) -> Reading:
    """Fold, cut into words and list the candidate features of some texts; any strings are taken."""
    excerpts = tuple([excerpt(text) for text in texts])
    points = fold("\0".join([without_quoted_reply(text) for text in excerpts]) + "\0")
    begin, offsets, openings = 0, [0], []
    for text in excerpts:
        openings.append(begin + opening_of(text))
        begin += len(text) + 1
        offsets.append(begin)
    grams = grams_of(points)
    starts, ends = words_of(points, grams, dictionary)
    words = grams[np.minimum(ends - starts, LONGEST) - 1, starts]
    words ^= WORD
    words *= MIX
    words ^= words >> HALF
    pairs = words[:-1] * _THREE
    pairs ^= words[1:]
    pairs *= MIX
    if len(excerpts) > 1:  # a text's last word makes no pair with the next text's first
        firsts = np.searchsorted(starts, offsets[1:-1])
        pairs[firsts[(firsts > 0) & (firsts < starts.size)] - 1] = 0
    characters = np.flatnonzero(points)
    return Reading(
        texts=excerpts,
        offsets=np.array(offsets, dtype=np.int64),
        openings=np.array(openings, dtype=np.int64),
        points=points,
        starts=starts,
        ends=ends,
        keys=np.concatenate([words, pairs, grams[1].take(characters), grams[2].take(characters)]),
        at=np.concatenate([starts, starts[:-1], characters, characters]),
        words=words.size + pairs.size,
    )


def opening_of(text: str) -> int:
    """Where the title or first sentence ends."""
    end = _SENTENCE_END.search(text, 4, OPENING_CHARACTERS)
    return end.end() if end else min(len(text), OPENING_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Rows:
    """Feature rows of some texts, with the way back from a feature to where it stands in the text.

    `matrix`: texts × features (float32). `occurrence_*`: for each place where a known feature stands, its
    entry in `matrix.data` and its position in the reading.
    """

    matrix: sparse.csr_matrix
    occurrence_entry: Positions
    occurrence_at: Positions


class Vocabulary:
    """The features that a model knows, with their idf. Words and pairs have the first ids, characters the rest."""

    def __init__(self, table: GramTable, idf: Floats, words: int) -> None:
        """`table`: feature key → id; `idf`: (features,); `words`: how many of them are words or pairs."""
        self.table = table
        self.idf = idf
        self.words = words

    @property
    def size(self) -> int:
        return int(self.idf.size)

    @classmethod
    def learn(cls, reading: Reading, fewest_texts: int) -> Vocabulary:
        """All features that stand in at least `fewest_texts` of the texts read."""
        text = reading.text_of(reading.at)
        known, counted = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        words = 0
        for part in (slice(0, reading.words), slice(reading.words, None)):
            keys, texts = reading.keys[part], text[part]
            order = np.lexsort((texts, keys))
            keys, texts = keys[order], texts[order]
            fresh = np.ones(keys.size, dtype=bool)
            fresh[1:] = (keys[1:] != keys[:-1]) | (texts[1:] != texts[:-1])
            kept, counts = np.unique(keys[fresh], return_counts=True)
            enough = (counts >= fewest_texts) & (kept != 0) & ~np.isin(kept, known)
            if part.start:
                enough &= (kept & _LAST_CHARACTER != 0) & ((kept >> _SIXTEEN) & _LAST_CHARACTER != 0)
            else:
                words = int(enough.sum())
            known, counted = np.concatenate([known, kept[enough]]), np.concatenate([counted, counts[enough]])
        idf = np.log((1 + len(reading.texts)) / (1 + counted)) + 1
        return cls(GramTable.build(known), idf.astype(np.float32), words)

    def rows(self, reading: Reading) -> Rows:
        """One row for each text read: words with pairs and characters are each brought to length one, then the same for
        the opening alone, and the two are mixed."""
        texts = len(reading.texts)
        ids = self.table.find(reading.keys)
        hits = np.flatnonzero(ids >= 0)
        at = reading.at.take(hits)
        text = reading.text_of(at)
        coded = text * self.size
        coded += ids.take(hits)
        order = np.argsort(coded)
        ordered = coded.take(order)
        first = np.empty(ordered.size, dtype=bool)
        first[:1] = True
        np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
        entry = np.empty(ordered.size, dtype=np.int64)
        entry[order] = np.cumsum(first) - 1
        distinct = ordered[first]
        row, column = np.divmod(distinct, self.size)
        block = row * 2
        block += column >= self.words
        idf = self.idf.take(column)
        count = np.bincount(entry, minlength=distinct.size)
        in_opening = np.bincount(entry, weights=at < reading.openings.take(text), minlength=distinct.size)
        data = _normalised(count, idf, block, 2 * texts) * (1 - OPENING_WEIGHT)
        data += _normalised(in_opening, idf, block, 2 * texts) * OPENING_WEIGHT
        matrix = sparse.csr_matrix((texts, self.size), dtype=np.float32)
        matrix.data = data.astype(np.float32)
        matrix.indices = column.astype(np.int32)
        matrix.indptr = np.searchsorted(row, np.arange(texts + 1)).astype(np.int32)
        return Rows(matrix, entry, at)


def _normalised(count: npt.NDArray[Any], idf: Floats, block: Positions, blocks: int) -> npt.NDArray[np.float64]:
    """(1 + log count) · idf, or 0 for none, each block brought to length one, a short one to less."""
    values: npt.NDArray[np.float64] = np.log(np.maximum(count, _ALMOST_NOTHING))
    values += 1
    np.maximum(values, 0, out=values)
    values *= idf
    squares = np.bincount(block, weights=values * values, minlength=blocks)
    norms: npt.NDArray[np.float64] = np.sqrt(squares + ANOTHER_WORD**2)
    values /= norms.take(block)
    return values
