from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import small_corpus

from nlu.embedded.model import Model
from nlu.embedded.segmentation import key_of
from nlu.models import ModelShelf
from nlu.training import Row, WorseModel, compare, ensure_fitting, fingerprint, train, train_and_switch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    return ModelShelf(tmp_path / "models")


@pytest.fixture(scope="module")
def fitted() -> Model:
    """A model of the small corpus as `ensure_fitting` trains it."""
    return train(small_corpus.rows())


@pytest.fixture
def stocked(shelf: ModelShelf, fitted: Model) -> ModelShelf:
    """A shelf on which that model is current."""
    shelf.save(fitted)
    shelf.make_current(fitted.version)
    return shelf


def worse_rows() -> list[Row]:
    """The same texts with two labels mixed up at random: nothing to be learnt about those."""
    rows = small_corpus.rows()
    order = np.random.default_rng(2)
    codes = list(small_corpus.LEAVES)
    return [replace(row, label=codes[order.integers(len(codes))]) if at % 2 else row for at, row in enumerate(rows)]


def test_training_measures_what_it_is_worth(small_model: Model) -> None:
    found = small_model.report["category"]
    assert small_model.labels == tuple(small_corpus.LEAVES)
    assert small_model.kinds == tuple(sorted(small_corpus.KINDS))
    assert found["rows"] == small_model.report["rows"] == 120
    assert found["accuracy"] > 0.9
    assert found["curve"][0][0] == 1.0
    assert set(found["per_label"]) == set(small_corpus.LEAVES)
    assert small_model.report["kind"]["accuracy"] > 0.9


def test_the_same_rows_train_the_same_model_named_for_its_day_and_its_content(small_model: Model) -> None:
    rows = small_corpus.rows()
    again = train(rows, ["恬庄"], now=datetime(2027, 3, 1, tzinfo=UTC))
    assert again.fingerprint == small_model.fingerprint
    np.testing.assert_array_equal(again.weights, small_model.weights)
    assert again.report == small_model.report
    assert again.version == f"2027-03-01-{fingerprint(rows, ['恬庄'])[:8]}"


def test_the_fingerprint_follows_every_row_and_word() -> None:
    rows = small_corpus.rows()
    base = fingerprint(rows, ["恬庄"])
    assert fingerprint(list(rows), ["恬庄"]) == base
    assert fingerprint(rows[1:], ["恬庄"]) != base
    assert fingerprint([replace(rows[0], kind="report"), *rows[1:]], ["恬庄"]) != base
    assert fingerprint(rows, ["恬庄", "西张"]) != base


def test_rows_may_teach_only_the_label_or_only_the_kind() -> None:
    rows = small_corpus.rows()
    mixed = [replace(row, kind=None) if at % 3 == 0 else row for at, row in enumerate(rows)]
    mixed = [replace(row, label=None) if at % 3 == 1 else row for at, row in enumerate(mixed)]
    model = train(mixed)
    assert model.report["category"]["rows"] == 80
    assert model.report["kind"]["rows"] == 80


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="训练数据不足"):
        train([Row("一条", "a"), Row("两条", "b")])
    with pytest.raises(ValueError, match="1 个类别"):
        train([Row(f"第{at}条", "a") for at in range(50)])


class TestEnsure:
    def test_trains_once_and_then_loads(self, shelf: ModelShelf) -> None:
        rows = small_corpus.rows()
        first = ensure_fitting(shelf, rows)
        written = (shelf.folder / f"{first.version}.npz").stat().st_mtime_ns
        again = ensure_fitting(shelf, rows)
        assert again.version == first.version == shelf.current()
        assert (shelf.folder / f"{first.version}.npz").stat().st_mtime_ns == written

    def test_other_rows_make_a_new_version_current_and_keep_the_old(self, stocked: ModelShelf, fitted: Model) -> None:
        second = ensure_fitting(stocked, small_corpus.rows()[:-1])
        assert stocked.current() == second.version != fitted.version
        assert set(stocked.versions()) == {fitted.version, second.version}

    def test_what_was_learnt_from_corrections_is_kept(self, shelf: ModelShelf) -> None:
        rows = small_corpus.rows()
        corrected, _ = train_and_switch(shelf, rows, (), [Row("井盖旁边油烟大", "C0705", "complaint")] * 5)
        assert ensure_fitting(shelf, rows).version == corrected.version

    def test_corrections_are_learnt_again_when_the_corpus_changes(self, stocked: ModelShelf) -> None:
        correction = Row("井盖旁边油烟大", "C0705", "complaint")
        again = ensure_fitting(stocked, small_corpus.rows()[1:], (), [correction])
        assert again.report["rows"] == len(small_corpus.rows())

    def test_a_damaged_model_is_trained_anew(self, stocked: ModelShelf, fitted: Model) -> None:
        (stocked.folder / f"{fitted.version}.npz").write_bytes(b"broken")
        again = ensure_fitting(stocked, small_corpus.rows())
        assert again.version == fitted.version
        assert stocked.load(again.version).labels == fitted.labels

    def test_a_pointer_to_nothing_is_mended(self, stocked: ModelShelf, fitted: Model) -> None:
        stocked.pointer.write_bytes(b"\xff\xfe")
        assert ensure_fitting(stocked, small_corpus.rows()).version == stocked.current() == fitted.version

    def test_of_two_processes_that_start_at_once_one_trains(self, shelf: ModelShelf) -> None:
        script = (
            "import sys; sys.path.insert(0, sys.argv[2])\n"
            "from pathlib import Path\n"
            "import small_corpus, nlu.training as training\n"
            "from nlu.models import ModelShelf\n"
            "trained = []\n"
            "real = training.train\n"
            "training.train = lambda *given: trained.append(1) or real(*given)\n"
            "model = training.ensure_fitting(ModelShelf(Path(sys.argv[1])), small_corpus.rows())\n"
            "print(len(trained), model.version, model.score(['井盖坏了']).labels.shape)\n"
        )
        arguments = [sys.executable, "-c", script, str(shelf.folder), str(Path(__file__).parent)]
        processes = [subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        answers = [process.communicate(timeout=120)[0].split(maxsplit=1) for process in processes]
        assert [process.returncode for process in processes] == [0, 0]
        assert sorted(answer[0] for answer in answers) == ["0", "1"]
        assert answers[0][1] == answers[1][1]


class TestReplacing:
    def test_a_worse_model_is_kept_but_not_made_current_unless_it_is_asked_for(
        self, stocked: ModelShelf, fitted: Model
    ) -> None:
        with pytest.raises(WorseModel, match=fitted.version):
            train_and_switch(stocked, worse_rows())
        assert stocked.current() == fitted.version
        assert len(stocked.versions()) == 2
        worse, comparison = train_and_switch(stocked, worse_rows(), force=True)
        assert comparison is not None
        assert comparison.worse
        assert stocked.current() == worse.version
        stocked.make_current(fitted.version)  # and back
        assert stocked.current() == fitted.version

    def test_more_rows_of_the_same_quality_take_over(self, shelf: ModelShelf) -> None:
        rows = small_corpus.rows()
        _, nothing_before = train_and_switch(shelf, rows[::2])
        assert nothing_before is None
        fuller, comparison = train_and_switch(shelf, rows)
        assert shelf.current() == fuller.version
        assert comparison is not None
        assert comparison.texts == 60

    def test_versions_are_compared_on_the_texts_that_both_know(self, small_model: Model) -> None:
        other = train(small_corpus.rows()[20:])
        comparison = compare(small_model, other)
        assert comparison.texts == 100
        assert comparison.before > 0.9
        assert compare(small_model, small_model).before == compare(small_model, small_model).after


def test_kinds_are_learnt_from_how_people_speak_not_from_what_of() -> None:
    """Of the first two of thirty matters nobody in the rows asks, all complain: their words must not stand for that."""
    matters = [first + second for first in ("东边", "西边", "南边") for second in _THINGS]
    rows = []
    for at, matter in enumerate(matters):
        for end in ("", "，", "，，", "，，，"):
            rows.append(Row(f"{matter}坏了，请尽快处理{end}", f"C{at:04d}", "complaint"))
            if at >= 2:
                rows.append(Row(f"请问{matter}归谁管{end}？", f"C{at:04d}", "consultation"))
    model = train(rows)
    asked = model.score([f"请问{matters[0]}归谁管？", f"{matters[5]}坏了，请尽快处理"])
    assert [model.kinds[at] for at in asked.kinds.argmax(axis=1)] == ["consultation", "complaint"]
    of_labels, of_kinds = np.split(model.weights, [len(model.labels)], axis=1)
    matter, manner = model.vocabulary.table.find(np.array([key_of("东边路"), key_of("归谁管")], dtype=np.uint64))
    assert of_labels[matter].any()
    assert not of_kinds[matter].any()
    assert of_kinds[manner].any()


_THINGS = ("路灯", "井盖", "河道", "围墙", "树木", "桥梁", "公厕", "车棚", "招牌", "管线")
