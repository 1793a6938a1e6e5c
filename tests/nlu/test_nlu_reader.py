"""The service's reading of one text against training's reading of many: the same rows, to float noise."""

from __future__ import annotations

import numpy as np
import pytest
import small_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from nlu.embedded.features import read
from nlu.embedded.model import Model
from nlu.embedded.reader import MOST_FOR_PYTHON, Read, Reader
from nlu.folding import fold_text

TEXTS = [
    *(row.text for row in small_corpus.rows()),
    "恬庄菜场门口三轮车占道卖菜。流动摊贩堵住人行道，流动摊贩、流动摊贩，三轮车又占道",
    "你们上次回复说：“工地夜间施工噪音已停工”，餐馆油烟味呛人",
    "KTV138号，，，工地\n夜间\n施工",
    "樓下的餐館油煙太大了😀\ud800",
    "啊",
    "。",
    "",
]


@pytest.fixture(scope="module")
def reader(small_model: Model) -> Reader:
    return Reader(small_model.dictionary, small_model.vocabulary)


def row_of(one: Read, size: int) -> np.ndarray:
    dense = np.zeros(size)
    dense[one.columns] = one.values
    return dense


def assert_same(alone: Read, together: Read, size: int) -> None:
    assert (alone.text, alone.folded, alone.starts, alone.ends) == (
        together.text,
        together.folded,
        together.starts,
        together.ends,
    )
    assert row_of(alone, size) == pytest.approx(row_of(together, size), abs=1e-6)
    assert dict(zip(alone.columns.tolist(), alone.counts.tolist(), strict=True)) == dict(
        zip(together.columns.tolist(), together.counts.tolist(), strict=True)
    )
    assert sorted(zip(alone.found, alone.found_at, strict=True)) == sorted(
        zip(together.found, together.found_at, strict=True)
    )


def test_a_text_alone_is_read_as_training_reads_it(reader: Reader, small_model: Model) -> None:
    for text in TEXTS:
        one = reader.read([text])[0]
        learnt = small_model.vocabulary.rows(read([text], small_model.dictionary)).matrix.toarray()[0]
        assert row_of(one, small_model.vocabulary.size) == pytest.approx(learnt, abs=1e-6)
        assert one.folded == fold_text(one.text) or "回复说" in text


def test_few_texts_and_many_are_read_alike(reader: Reader, small_model: Model) -> None:
    assert sum(map(len, TEXTS)) > MOST_FOR_PYTHON > max(map(len, TEXTS))
    known = 0
    for text, together in zip(TEXTS, reader.read(TEXTS), strict=True):
        alone = reader.read([text])[0]
        assert_same(alone, together, small_model.vocabulary.size)
        known += len(alone.found)
    assert known > 10 * len(TEXTS)


@given(st.text(st.sampled_from("恬庄工地夜间施工油烟摊贩路上井盖。，a1“”回复说\0😀"), max_size=MOST_FOR_PYTHON))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_alike(reader: Reader, small_model: Model, text: str) -> None:
    alone, together = reader.read([text])[0], reader.read([text, "。" * MOST_FOR_PYTHON])[0]
    assert_same(alone, together, small_model.vocabulary.size)


def test_no_texts_are_no_readings(reader: Reader) -> None:
    assert reader.read([]) == []


def test_words_that_were_forgotten_are_looked_up_again(small_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlu.embedded.reader.REMEMBERED_WORDS", 2)
    forgetful, usual = (Reader(small_model.dictionary, small_model.vocabulary) for _ in range(2))
    for text in TEXTS:
        assert forgetful.read([text])[0].found == usual.read([text])[0].found
