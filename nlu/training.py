"""Training of the embedded engine's model: corpus, corrections and the user's own rows in, a measured version out.

What the model is worth is measured by cross-validation at every training and stored with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from domain.category import CategoryTree
from nlu.calibration import Calibration, cross_fitted, measure
from nlu.embedded.features import Vocabulary, read
from nlu.embedded.kin import independent
from nlu.embedded.least_squares import PENALTY, balanced, fit
from nlu.embedded.model import Model
from nlu.embedded.segmentation import build_dictionary, dictionary_digest
from nlu.models import ModelShelf, UnreadableModel

FOLDS = 3
FEWEST_TEXTS = 3
ALLOWED_LOSS = 0.005
"""A new version may be this much less accurate than the current one without being refused."""

FEWEST_COMMON_TEXTS = 50
FEWEST_WITNESSES = 300
KIND_PENALTY = 2.0
COMMON_SHARE = 0.1
"""Kinds are learnt from what stands in texts of at least this share of the labels: how people ask, demand and propose. What
they speak of says nothing about it, though the corpus may (in it nobody praises a stinking river)."""

LEANINGS = {"complaint": 0.18}
"""Added to a kind's scores (one is about the distance between two kinds): as though a little more than half of all texts
were complaints. In the corpus they are two fifths, and weigh less than that in learning; on a hotline they are more."""

_SEED = 20261124
_CODE_FILES = (
    "folding.py",
    "training.py",
    "calibration.py",
    "models.py",
    "embedded/features.py",
    "embedded/gram_table.py",
    "embedded/kin.py",
    "embedded/least_squares.py",
    "embedded/segmentation.py",
    "embedded/model.py",
)


Labels = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. `label` or `kind` may be None: then it teaches only the other. `weight`: how much it counts.

    `judged`: whether cross-validation is asked about it; a leaf's bare name teaches, but nobody writes so.
    """

    text: str
    label: str | None
    kind: str | None = None
    weight: float = 1.0
    judged: bool = True


class WorseModel(Exception):
    """The new model measures worse than the current one and was not put in its place; the message gives both."""


def corpus_rows(tree: CategoryTree) -> list[Row]:
    """The shipped corpus, and of each leaf its name and aliases as the shortest possible texts."""
    from nlu.corpus import load_corpus  # noqa: PLC0415 (a model that fits needs no corpus in memory)

    rows = [Row(one.text, one.category, str(one.kind)) for one in load_corpus()]
    rows += [
        Row(words, leaf.code, judged=False) for leaf in tree.leaves.values() for words in (leaf.name, *leaf.aliases)
    ]
    return rows


def train(
    base: Sequence[Row],
    extra_words: Iterable[str] = (),
    additional: Sequence[Row] = (),
    *,
    now: datetime | None = None,
) -> Model:
    """A model of these rows, with what cross-validation measured in its report.

    `base`: the corpus, which the model is said to fit; `additional`: corrections and the user's own rows;
    `extra_words`: words of two to four characters that jieba's dictionary lacks. Deterministic but for the version's
    date. Raises ValueError when there are fewer than two labels or too few rows to measure.
    """
    rows = [*base, *additional]
    labels, label_of = _codes([row.label for row in rows])
    kinds, kind_of = _codes([row.kind for row in rows])
    if len(labels) < 2 or len(rows) < 2 * FOLDS:
        raise ValueError(f"训练数据不足：共 {len(rows)} 条、{len(labels)} 个类别，至少要 {2 * FOLDS} 条、两个类别")
    dictionary = build_dictionary(extra_words)
    reading = read([row.text for row in rows], dictionary)
    vocabulary = Vocabulary.learn(reading, FEWEST_TEXTS)
    matrix = vocabulary.rows(reading).matrix
    importance = np.array([row.weight for row in rows], dtype=np.float32)
    teaching = _Teaching(matrix, label_of, kind_of, importance, labels, kinds, _common(matrix, label_of, len(labels)))
    scores = teaching.held_out_scores()
    judged = np.array([row.judged for row in rows])
    known = (label_of >= 0) & judged
    witnesses = independent(reading)
    of_labels, category = _measured(scores[:, : len(labels)], label_of, labels, known, witnesses)
    of_kinds, kind = _measured(scores[:, len(labels) :], kind_of, kinds, (kind_of >= 0) & judged, witnesses)
    report = {"rows": len(rows), "features": vocabulary.size, "folds": FOLDS, "category": category, "kind": kind}
    weights, offsets = teaching.fit(np.arange(len(rows)))
    model = Model(
        version="",
        fingerprint=fingerprint(rows, extra_words),
        base=fingerprint(base, extra_words),
        labels=labels,
        kinds=kinds,
        dictionary=dictionary,
        vocabulary=vocabulary,
        weights=weights.astype(np.float16),
        offsets=offsets,
        of_labels=of_labels,
        of_kinds=of_kinds,
        report=report,
        judged_texts=_text_keys([row for row, one in zip(rows, known.tolist(), strict=True) if one]),
        judged_right=scores[known, : len(labels)].argmax(axis=1) == label_of[known],
    )
    day = (now or datetime.now(UTC)).strftime("%Y-%m-%d")
    return replace(model, version=f"{day}-{model.fingerprint[:8]}")


def _measured(
    scores: Doubles, truth: Labels, names: tuple[str, ...], known: Mask, witnesses: Mask
) -> tuple[Calibration, dict[str, Any]]:
    """The calibration of some scores, and the report on them: figures of independent texts, and those of all.

    A corpus that was composed from sentences flatters cross-validation: a held-out text's sentences stand in others.
    So calibration and threshold come from the texts that share no passage, where there are enough of them.
    """
    if not names:
        return Calibration(), {}
    checked = known & witnesses
    if checked.sum() < FEWEST_WITNESSES:
        checked = known
    calibration = Calibration.fit(scores[checked], truth[checked])
    report = measure(cross_fitted(scores[checked], truth[checked]), truth[checked], names).as_report()
    everything = measure(calibration.probabilities(scores[known]), truth[known], names).as_report()
    del everything["per_label"]
    return calibration, {**report, "all_rows": everything}


def _codes(names: Sequence[str | None]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The distinct names, sorted, and for each entry the place of its name; -1 for None."""
    distinct = tuple(sorted({name for name in names if name is not None}))
    place = {name: at for at, name in enumerate(distinct)}
    return distinct, np.array([-1 if name is None else place[name] for name in names], dtype=np.int64)


def _text_keys(rows: Iterable[Row]) -> npt.NDArray[np.uint64]:
    """A 64-bit digest of each row's text and label."""
    digests = [
        hashlib.blake2b(f"{row.label}\0{row.text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for row in rows
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _common(matrix: sparse.csr_matrix, label_of: Labels, labels: int) -> Labels:
    """The columns of the features that stand in texts of many labels."""
    known = np.flatnonzero(label_of >= 0)
    membership = sparse.csr_matrix(
        (np.ones(known.size, dtype=np.float32), (label_of[known], known)), shape=(labels, matrix.shape[0])
    )
    spread = np.bincount((membership @ matrix).indices, minlength=matrix.shape[1])
    return np.flatnonzero(spread >= COMMON_SHARE * labels)


@dataclass(frozen=True, slots=True)
class _Teaching:
    """What is learnt from: texts × features, the place of each text's label and kind (-1: none), how much it counts, the names
    of labels and kinds, and the columns that kinds are learnt from."""

    matrix: sparse.csr_matrix
    label_of: Labels
    kind_of: Labels
    importance: Floats
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    common: Labels

    def fit(self, rows: Labels) -> tuple[Floats, Floats]:
        """(features, labels + kinds) weights and (labels + kinds,) offsets, learnt from some of the rows."""
        labels, kinds = len(self.labels), len(self.kinds)
        weights = np.zeros((self.matrix.shape[1], labels + kinds), dtype=np.float32)
        offsets = np.zeros(labels + kinds, dtype=np.float32)
        known = rows[self.label_of[rows] >= 0]
        weights[:, :labels], offsets[:labels] = self._fit(
            self.matrix[known], self.label_of[known], known, labels, PENALTY
        )
        known = rows[self.kind_of[rows] >= 0]
        if known.size:
            common = self.matrix[known][:, self.common]
            weights[self.common, labels:], offsets[labels:] = self._fit(
                common, self.kind_of[known], known, kinds, KIND_PENALTY
            )
            offsets[labels:] += [LEANINGS.get(kind, 0.0) for kind in self.kinds]
        return weights, offsets

    def _fit(
        self, matrix: sparse.csr_matrix, truth: Labels, rows: Labels, classes: int, penalty: float
    ) -> tuple[Floats, Floats]:
        return fit(matrix, truth, classes, balanced(truth, classes, self.importance[rows]), penalty)

    def held_out_scores(self) -> Doubles:
        """For each row the scores of a model that has not seen it: (rows, labels + kinds)."""
        rows = self.matrix.shape[0]
        fold = np.empty(rows, dtype=np.int64)
        fold[np.random.default_rng(_SEED).permutation(rows)] = np.arange(rows) % FOLDS
        scores = np.empty((rows, len(self.labels) + len(self.kinds)))
        for one in range(FOLDS):
            weights, offsets = self.fit(np.flatnonzero(fold != one))
            outside = np.flatnonzero(fold == one)
            scores[outside] = self.matrix[outside] @ weights + offsets
        return scores


def fingerprint(rows: Iterable[Row], extra_words: Iterable[str] = ()) -> str:
    """A digest of everything a model depends on: the rows, the words, jieba's dictionary and the code that trains and reads."""
    digest = hashlib.sha256(code_digest().encode())
    for row in rows:
        digest.update(repr((row.text, row.label, row.kind, row.weight, row.judged)).encode("utf-8", "surrogatepass"))
    digest.update(repr(sorted(extra_words)).encode())
    return digest.hexdigest()


@cache
def code_digest() -> str:
    """A digest of the code and data files that decide what a model is."""
    folder = Path(__file__).parent
    digest = hashlib.sha256(dictionary_digest().encode())
    for name in _CODE_FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def leaf_words(tree: CategoryTree) -> frozenset[str]:
    """Short aliases of the leaves: words of our own that the dictionary should know."""
    return frozenset(word for leaf in tree.leaves.values() for word in leaf.aliases if 2 <= len(word) <= 4)


def ensure_model(model_dir: Path, tree: CategoryTree, additional: Sequence[Row] = ()) -> Model:
    """The current model when it fits today's corpus, tree and code; else a newly trained one, which becomes current.

    A model that has learnt from corrections too fits as long as the corpus does; `additional` are the corrections to
    learn from when it has to be trained anew. Safe when several processes start at once: one trains, the others wait
    for it. A damaged model is trained anew.

    Training takes far more memory than reading, and Python gives little of it back: it is done in a process of its own.
    """
    shelf, base, words = ModelShelf(model_dir), corpus_rows(tree), leaf_words(tree)
    wanted = fingerprint(base, words)
    model = _current_model(shelf)
    if model is None or model.base != wanted:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            apart.submit(_make_fitting, model_dir, base, words, additional).result()
        model = _current_model(shelf)
        assert model is not None, "it was made just now"
    return model


def _make_fitting(model_dir: Path, base: Sequence[Row], words: Iterable[str], additional: Sequence[Row]) -> None:
    ensure_fitting(ModelShelf(model_dir), base, words, additional)


def ensure_fitting(
    shelf: ModelShelf, base: Sequence[Row], extra_words: Iterable[str] = (), additional: Sequence[Row] = ()
) -> Model:
    """`ensure_model` for any rows: the current model when its base were just these, with today's code."""
    wanted = fingerprint(base, extra_words)
    with _only_one(shelf.folder):
        model = _current_model(shelf)
        if model is None or model.base != wanted:
            model = train(base, extra_words, additional)
            shelf.save(model)
            shelf.make_current(model.version)
        return model


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions on the texts that both were trained on, each judged by models that had not seen the text.

    `texts` 0: they have no text in common; the accuracies are then those of each on its own texts.
    """

    texts: int
    before: float
    after: float

    @property
    def worse(self) -> bool:
        """Whether the new one is worse by more than chance and rounding explain."""
        return self.after < self.before - ALLOWED_LOSS


def compare(before: Model, after: Model) -> Comparison:
    """How a newer version does against an older one."""
    common, first, second = np.intersect1d(before.judged_texts, after.judged_texts, return_indices=True)
    if common.size < FEWEST_COMMON_TEXTS:
        accuracies = (float(one.report["category"]["accuracy"]) for one in (before, after))
        return Comparison(0, *accuracies)
    return Comparison(
        int(common.size), float(before.judged_right[first].mean()), float(after.judged_right[second].mean())
    )


def train_and_switch(
    shelf: ModelShelf,
    base: Sequence[Row],
    extra_words: Iterable[str] = (),
    additional: Sequence[Row] = (),
    *,
    force: bool = False,
) -> tuple[Model, Comparison | None]:
    """Train, put the new version on the shelf and make it current.

    Raises WorseModel when it is worse than the current one and `force` is not set: it then stays on the shelf, not
    current. Returns the new version and how it compares (None when there was none with the same labels before).
    """
    with _only_one(shelf.folder):
        before = _current_model(shelf)
        after = train(base, extra_words, additional)
        shelf.save(after)
        comparison = None
        if before is not None and before.version != after.version and set(before.labels) & set(after.labels):
            comparison = compare(before, after)
            if comparison.worse and not force:
                ground = f"同样的 {comparison.texts} 条文本" if comparison.texts else "各自的交叉验证"
                raise WorseModel(
                    f"新模型 {after.version} 不如现用的 {before.version}（{ground}：准确率 {comparison.after:.4f} 对 "
                    f"{comparison.before:.4f}），未启用；确要启用请加 --force"
                )
        shelf.make_current(after.version)
        return after, comparison


def _current_model(shelf: ModelShelf) -> Model | None:
    version = shelf.current()
    if version is None:
        return None
    try:
        return shelf.load(version)
    except UnreadableModel:
        return None


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Held by one process at a time for a model folder; the lock goes with the process that holds it."""
    import fcntl  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "training.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
