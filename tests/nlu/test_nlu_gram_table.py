from __future__ import annotations

import numpy as np
import pytest

from nlu.embedded.gram_table import GramTable
from nlu.embedded.segmentation import build_dictionary, grams_of, words_of
from nlu.folding import fold


def test_each_key_finds_its_own_id_and_no_other_key_finds_any() -> None:
    keys = np.unique(np.random.default_rng(5).integers(1, 2**63, 20_000, dtype=np.uint64))
    table = GramTable.build(keys)
    assert (table.find(keys) == np.arange(keys.size)).all()
    strangers = np.setdiff1d(keys ^ np.uint64(1 << 63), keys)
    assert (table.find(strangers) == -1).all()
    assert table.find(np.zeros(3, dtype=np.uint64)).tolist() == [-1, -1, -1]


def test_keys_that_repeat_or_are_zero_are_refused() -> None:
    for bad in ([1, 1], [0, 5]):
        with pytest.raises(ValueError, match="distinct"):
            GramTable.build(np.array(bad, dtype=np.uint64))


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        GramTable(np.zeros(3, dtype=np.uint64), np.zeros(3, dtype=np.int32))


def test_words_are_cut_by_the_longest_known_one() -> None:
    dictionary = build_dictionary(["恬庄", "油烟净化器"])

    def words(text: str) -> list[str]:
        points = fold(text)
        starts, ends = words_of(points, grams_of(points), dictionary)
        return [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    assert words("恬庄菜场，高速公路138号KTV。") == ["恬庄", "菜场", "高速公路", "138", "号", "KTV"]
    assert words("") == []
    assert words("。，\x00 ") == []
