from __future__ import annotations

import numpy as np
import small_corpus

from nlu.categories import load_categories
from nlu.embedded.engine import EmbeddedEngine
from nlu.evaluation import (
    compare_on_labels,
    curve_table,
    judge,
    judge_engine,
    label_of_leaf,
    per_label_table,
    seven_labels,
    split,
    table,
    without_kind_words,
)
from nlu.training import Row


def test_all_methods_are_judged_on_the_same_rows() -> None:
    training, tests = split(small_corpus.rows())
    assert len(training) == 90
    assert len(tests) == 30
    lines = compare_on_labels(training, tests)
    assert [line.name for line in lines] == ["多数类", "TF-IDF 字符＋线性 SVM", "jieba 词＋线性 SVM", "内置引擎"]
    assert {line.measured.rows for line in lines} == {30}
    assert lines[0].measured.accuracy < 0.5 < lines[-1].measured.accuracy
    text = table("类别", lines)
    assert text.count("\n| ") == len(lines) + 1
    assert "内置引擎" in text


def test_a_label_that_a_method_does_not_know_counts_as_wrong() -> None:
    line = judge("x", lambda some: np.ones((len(some), 1)), ["a"], ["1", "2"], ["a", "b"])
    assert line.measured.accuracy == 0.5
    assert set(line.measured.per_label) == {"a", "b"}


async def test_an_engine_is_judged_by_kind_and_by_mapped_category(small_engine: EmbeddedEngine) -> None:
    rows = small_corpus.rows()
    by_kind = await judge_engine("内置引擎", small_engine, rows, of_kind=True)
    assert by_kind.measured.accuracy > 0.9
    mapping = {"C0101": "街面", "C0705": "街面", "J0301": "工地"}
    named = [Row(row.text, "街面" if str(row.label).startswith("C") else "工地", row.kind) for row in rows]
    mapped = await judge_engine("内置引擎", small_engine, named, of_kind=False, mapping=mapping)
    assert 0.6 < mapped.measured.accuracy < 0.8  # J0401 is not mapped: never right
    assert mapped.measured.per_label["街面"][1] > 0.9
    assert "街面" in per_label_table(mapped)
    assert curve_table(mapped.measured).count("\n") == 14


def test_the_seven_labels_name_only_leaves_and_groups_that_exist() -> None:
    tree = load_categories()
    known = set(tree.leaves) | {leaf.group for leaf in tree.leaves.values()}
    assert set(seven_labels()) <= known
    mapping = label_of_leaf(tree)
    assert len(set(mapping.values())) == 7
    assert mapping["C0410"] == "环境保护"
    assert mapping["C0401"] == "城乡建设"


def test_kind_words_are_taken_out_of_titles() -> None:
    assert without_kind_words("关于油烟的投诉和建议") == "关于油烟的和"
