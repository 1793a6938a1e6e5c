"""The corpus: large, distinct, spread over all leaves and kinds, without personal numbers, and reproducible."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from domain.complaint import Kind
from nlu.categories import load_categories
from nlu.corpus import CORPUS_FOLDER, Example, load_corpus
from nlu.corpus.compose import BRANCH_FILES, NEAR, Sieve, compose, read_material
from nlu.corpus.perturb import perturb, tidy

KIND_WORDS = {
    Kind.COMPLAINT: "投诉",
    Kind.REPORT: "举报",
    Kind.CONSULTATION: "咨询",
    Kind.SUGGESTION: "建议",
    Kind.HELP: "求助",
}


@pytest.fixture(scope="module")
def corpus() -> list[Example]:
    return load_corpus()


def test_it_is_large_and_distinct(corpus: list[Example]) -> None:
    assert len(corpus) >= 8_000
    assert len({example.text for example in corpus}) == len(corpus)


def test_every_intent_is_a_leaf_and_every_leaf_has_enough(corpus: list[Example]) -> None:
    numbers = Counter(example.category for example in corpus)
    assert set(numbers) == set(load_categories().leaves)
    assert min(numbers.values()) >= 40


def test_each_kind_has_enough(corpus: list[Example]) -> None:
    numbers = Counter(example.kind for example in corpus)
    assert set(numbers) == set(Kind)
    assert min(numbers.values()) >= 800


def test_the_kind_word_stands_in_few_texts_of_its_kind(corpus: list[Example]) -> None:
    for kind, word in KIND_WORDS.items():
        texts = [example.text for example in corpus if example.kind is kind]
        assert sum(word in text for text in texts) <= 0.15 * len(texts), kind


def test_it_has_one_liners_and_letters(corpus: list[Example]) -> None:
    lengths = np.array([len(example.text) for example in corpus])
    assert np.count_nonzero(lengths <= 25) >= 1_000
    assert np.count_nonzero((lengths >= 300) & (lengths <= 500)) >= 300


def test_at_least_1500_are_written_by_hand() -> None:
    written = load_corpus(pattern="written_*.yml")
    assert len(written) >= 1_500
    assert {example.category for example in written} == set(load_categories().leaves)


def test_near_duplicates_are_rare(corpus: list[Example]) -> None:
    """Independent of the sieve that made it: cosine of character-bigram counts, within the categories of a sample."""
    rng = random.Random(7)
    by_category: dict[str, list[str]] = {}
    for example in corpus:
        by_category.setdefault(example.category, []).append(example.text)
    texts = near = 0
    for category in rng.sample(sorted(by_category), 25):
        vectors = _bigram_vectors(by_category[category])
        alike = np.triu(vectors @ vectors.T, 1) > 0.9
        texts += len(vectors)
        near += int(alike.any(axis=0).sum())
    assert texts > 1_000
    assert near <= 0.01 * texts


def _bigram_vectors(texts: list[str]) -> np.ndarray:
    counts = [Counter(text[at : at + 2] for at in range(len(text) - 1)) for text in texts]
    index = {gram: at for at, gram in enumerate(sorted({gram for one in counts for gram in one}))}
    vectors = np.zeros((len(texts), len(index)))
    for row, one in zip(vectors, counts, strict=True):
        for gram, number in one.items():
            row[index[gram]] = number
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_no_number_could_be_a_persons(corpus: list[Example]) -> None:
    for example in corpus:
        for number in re.findall(r"\d{7,}", example.text):
            assert "0000" in number, example
        for plate in re.findall(r"苏[A-Z]·?[0-9A-Z]{5,6}", example.text):
            assert "0000" in plate, example


def test_texts_are_single_clean_lines(corpus: list[Example]) -> None:
    for example in corpus:
        assert not re.search(r"[\x00-\x1f{}<>\[\]]", example.text), example
        assert not re.search(r"，，|。。|，。|！，|？，", example.text), example


def test_the_frames_name_no_matter() -> None:
    """No alias of a leaf stands in the frames that all leaves share."""
    shared = yaml.safe_load((CORPUS_FOLDER / "material" / "frames.yml").read_text(encoding="utf-8"))
    del shared["praise"]  # the frames of one leaf
    frames = str(shared)
    spoken = {alias for leaf in load_categories().leaves.values() for alias in leaf.aliases if alias in frames}
    assert spoken == set()


def test_the_committed_files_are_what_composing_gives() -> None:
    for name, contents in compose().items():
        assert (CORPUS_FOLDER / name).read_text(encoding="utf-8") == contents, (
            f"{name}: run python -m nlu.corpus.compose"
        )


def test_the_files_are_there_for_every_branch() -> None:
    for name in BRANCH_FILES.values():
        assert (CORPUS_FOLDER / f"written_{name}.yml").is_file()
        assert (CORPUS_FOLDER / f"composed_{name}.yml").is_file()


def test_the_sieve_refuses_a_near_duplicate_and_takes_another_text() -> None:
    sieve = Sieve()
    first = "恬庄村菜场门口每天早上都有人摆摊卖菜，路都走不通"
    assert sieve.takes(first)
    assert not sieve.takes(first + "！")
    assert not sieve.takes(first.replace("恬庄村", "高庄村"))
    assert sieve.takes("恬庄村的路灯坏了一个星期没人修")
    assert 0 < NEAR < 1


def test_spoken_text_loses_its_punctuation_and_official_text_keeps_it() -> None:
    wording = read_material().wording
    text = "喂，你好，我家门口堵了，帮忙看看！"
    assert not re.search(r"[，。！]", perturb(text, "spoken", wording, random.Random(1)))
    assert all(
        perturb("金谷路东侧，路面不洁", "official", wording, random.Random(seed)).count("，") == 1 for seed in range(20)
    )
    assert tidy("好的，。明天！，再见，") == "好的。明天！再见"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nlu: [", "Rasa"),
        ("- 1", "Rasa"),
        ("nlu:\n- intent: C0101\n  examples: |\n    - 甲", "C0101"),
        ("nlu:\n- intent: C0101\n  metadata: {kind: odd}\n  examples: |\n    - 甲", "odd"),
        ("nlu:\n- intent: C0101\n  metadata: {kind: report}\n  examples: |\n    甲乙丙", "甲乙丙"),
        ("nlu:\n- intent: C0101\n  metadata: {kind: report}\n  examples: [甲]", "C0101"),
        ("nlu:\n- just text", "有误"),
    ],
)
def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        load_corpus(tmp_path)
    assert "broken.yml" in str(refused.value)


def test_a_file_of_the_form_is_read(tmp_path: Path) -> None:
    head = 'version: "3.1"\nnlu:\n- intent: C0101\n  metadata: {kind: help}\n  examples: |\n'
    (tmp_path / "fine.yml").write_text(f"{head}    - 车坏了，“帮帮忙”: 快\n    - 乙\n", encoding="utf-8")
    expected = [Example("车坏了，“帮帮忙”: 快", "C0101", Kind.HELP), Example("乙", "C0101", Kind.HELP)]
    assert load_corpus(tmp_path) == expected
