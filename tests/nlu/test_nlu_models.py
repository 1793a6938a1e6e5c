from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_corpus

from domain.understanding import Evidence
from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.model import Model
from nlu.embedded.watch import WatchingEngine
from nlu.models import ModelShelf, UnreadableModel


@pytest.fixture
def shelf(tmp_path: Path, small_model: Model) -> ModelShelf:
    shelf = ModelShelf(tmp_path / "models")
    shelf.save(small_model)
    shelf.make_current(small_model.version)
    return shelf


def test_a_model_comes_back_as_it_was_saved(shelf: ModelShelf, small_model: Model) -> None:
    loaded = shelf.load(small_model.version)
    texts = [row.text for row in small_corpus.rows()]
    np.testing.assert_array_equal(loaded.score(texts).labels, small_model.score(texts).labels)
    np.testing.assert_array_equal(loaded.score(texts).kinds, small_model.score(texts).kinds)
    for name in ("version", "fingerprint", "labels", "kinds", "of_labels", "of_kinds"):
        assert getattr(loaded, name) == getattr(small_model, name)
    assert loaded.report == json.loads(json.dumps(small_model.report))


def test_nothing_but_whole_files_is_left_on_the_shelf(shelf: ModelShelf, small_model: Model) -> None:
    assert sorted(path.name for path in shelf.folder.iterdir()) == sorted(
        [f"{small_model.version}.json", f"{small_model.version}.npz", "current"]
    )


def test_versions_are_listed_and_one_is_current(shelf: ModelShelf, small_model: Model) -> None:
    newer = replace(small_model, version="2027-01-01-00000000")
    shelf.save(newer)
    assert shelf.versions() == [small_model.version, newer.version]
    assert shelf.current() == small_model.version
    shelf.make_current(newer.version)
    assert shelf.current() == newer.version
    shelf.make_current(small_model.version)
    assert shelf.current() == small_model.version


def test_a_version_that_is_not_there_cannot_become_current(shelf: ModelShelf, small_model: Model) -> None:
    with pytest.raises(UnreadableModel, match="没有版本"):
        shelf.make_current("2020-01-01-ffffffff")
    assert shelf.current() == small_model.version
    with pytest.raises(UnreadableModel):
        shelf.load("2020-01-01-ffffffff")


@pytest.mark.parametrize("suffix", ["npz", "json"])
@pytest.mark.parametrize("damage", ["empty", "half", "garbled", "flipped"])
def test_a_damaged_file_is_told_of_and_never_believed(
    shelf: ModelShelf, small_model: Model, suffix: str, damage: str
) -> None:
    path = shelf.folder / f"{small_model.version}.{suffix}"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "empty": b"",
            "half": content[:middle],
            "garbled": b"\xff\xfe not a model",
            "flipped": content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :],
        }[damage]
    )
    with pytest.raises(UnreadableModel, match=small_model.version):
        shelf.load(small_model.version)


def test_a_file_of_another_format_or_that_does_not_fit_is_refused(shelf: ModelShelf, small_model: Model) -> None:
    path = shelf.folder / f"{small_model.version}.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**described, "labels": described["labels"][1:]}), encoding="utf-8")
    with pytest.raises(UnreadableModel, match="不一致"):
        shelf.load(small_model.version)
    path.write_text(json.dumps({**described, "format": 0}), encoding="utf-8")
    with pytest.raises(UnreadableModel, match="格式"):
        shelf.load(small_model.version)


class TestWatching:
    @pytest.fixture
    def watching(self, shelf: ModelShelf, small_model: Model) -> WatchingEngine:
        def build(model: Model) -> EmbeddedEngine:
            return EmbeddedEngine(model, small_corpus.tree(), frozenset())

        return WatchingEngine(shelf, build(small_model), build)

    async def test_a_switched_version_takes_over(
        self, shelf: ModelShelf, small_model: Model, watching: WatchingEngine
    ) -> None:
        newer = replace(small_model, version="2027-01-01-00000000")
        shelf.save(newer)
        assert not watching.reload_if_changed()
        shelf.make_current(newer.version)
        assert watching.version == small_model.version
        assert watching.reload_if_changed()
        assert watching.version == newer.version
        assert not watching.reload_if_changed()
        assert (await watching.understand([("", Evidence())]))[0].version == newer.version

    async def test_a_bad_version_leaves_the_old_one_speaking(
        self, shelf: ModelShelf, small_model: Model, watching: WatchingEngine
    ) -> None:
        newer = replace(small_model, version="2027-01-01-00000000")
        shelf.save(newer)
        shelf.make_current(newer.version)
        (shelf.folder / f"{newer.version}.npz").write_bytes(b"")
        with pytest.raises(UnreadableModel):
            watching.reload_if_changed()
        assert not watching.reload_if_changed()
        assert (await watching.understand([("井盖坏了", Evidence())]))[0].version == small_model.version
