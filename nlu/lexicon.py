"""Many phrases looked up in a text at once: at each position the longest phrase that begins there.

The first two characters of all positions are looked up together; only where they begin a phrase is a string compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nlu.embedded.gram_table import GramTable, Keys
from nlu.embedded.segmentation import key_of
from nlu.folding import fold_text


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of a list, found at characters `start` up to `end`. `sort` is the name of its list."""

    start: int
    end: int
    phrase: str
    sort: str


class Lexicon:
    """Phrases of two characters or more, each in one or more named lists."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]]) -> None:
        """`lists`: (name, phrases). Phrases are folded as texts are; shorter ones than two characters are passed over."""
        by_key: dict[int, dict[str, list[str]]] = {}
        for sort, phrases in lists:
            for phrase in phrases:
                folded = fold_text(phrase.strip())
                key = key_of(folded[:2]) if len(folded) >= 2 else 0
                if key:
                    sorts = by_key.setdefault(key, {}).setdefault(folded, [])
                    if sort not in sorts:
                        sorts.append(sort)
        keys = sorted(by_key)
        self._table = GramTable.build(np.array(keys, dtype=np.uint64)) if keys else None
        self._phrases = [sorted(by_key[key].items(), key=lambda item: -len(item[0])) for key in keys]

    def find(self, folded: str, pairs: Keys, offsets: Sequence[int]) -> list[list[Hit]]:
        """The hits in each of several texts, by position.

        `folded`: the texts, folded, in one string with a separator between; `pairs`: the key of the two characters at
        each position; `offsets`: where each text begins in it, and the end. Positions in hits count from the text's own start.
        """
        found: list[list[Hit]] = [[] for _ in range(len(offsets) - 1)]
        if self._table is None:
            return found
        ids: npt.NDArray[np.int32] = self._table.find(pairs)
        places = np.flatnonzero(ids >= 0)
        text = 0
        for at, group in zip(places.tolist(), ids[places].tolist(), strict=True):
            while at >= offsets[text + 1]:
                text += 1
            for phrase, sorts in self._phrases[group]:
                if folded.startswith(phrase, at):
                    begin = at - offsets[text]
                    found[text].extend(Hit(begin, begin + len(phrase), phrase, sort) for sort in sorts)
                    break
        return found
