"""Training of the embedded engine's model: corpus, corrections and the user's own rows in, a measured version out.

What the model is worth is measured by cross-validation at every training and stored with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
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
KIND_PENALTY = 6.0
"""Kinds show in few words that stand everywhere: their weights are kept smaller (measured on real hotline texts)."""

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
    scores = _held_out_scores(matrix, label_of, kind_of, importance, len(labels), len(kinds))
    judged = np.array([row.judged for row in rows])
    known = (label_of >= 0) & judged
    witnesses = independent(reading)
    of_labels, category = _measured(scores[:, : len(labels)], label_of, labels, known, witnesses)
    of_kinds, kind = _measured(scores[:, len(labels) :], kind_of, kinds, (kind_of >= 0) & judged, witnesses)
    report = {"rows": len(rows), "features": vocabulary.size, "folds": FOLDS, "category": category, "kind": kind}
    weights, offsets = _fit(matrix, label_of, kind_of, importance, len(labels), len(kinds))
    model = Model(
        version="",
        fingerprint=fingerprint(rows, extra_words),
        base=fingerprint(base, extra_words),
        labels=labels,
        kinds=kinds,
        dictionary=dictionary,
        vocabulary=vocabulary,
        weights=weights,
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


def _fit(
    matrix: sparse.csr_matrix, label_of: Labels, kind_of: Labels, importance: Floats, labels: int, kinds: int
) -> tuple[Floats, Floats]:
    """(features, labels + kinds) weights and (labels + kinds,) offsets."""
    weights = np.zeros((matrix.shape[1], labels + kinds), dtype=np.float32)
    offsets = np.zeros(labels + kinds, dtype=np.float32)
    for truth, first, classes, penalty in ((label_of, 0, labels, PENALTY), (kind_of, labels, kinds, KIND_PENALTY)):
        known = np.flatnonzero(truth >= 0)
        if known.size:
            counted = balanced(truth[known], classes, importance[known])
            found = fit(matrix[known], truth[known], classes, counted, penalty)
            weights[:, first : first + classes], offsets[first : first + classes] = found
    return weights, offsets


def _held_out_scores(
    matrix: sparse.csr_matrix, label_of: Labels, kind_of: Labels, importance: Floats, labels: int, kinds: int
) -> Doubles:
    """For each row the scores of a model that has not seen it: (rows, labels + kinds)."""
    rows = matrix.shape[0]
    fold = np.empty(rows, dtype=np.int64)
    fold[np.random.default_rng(_SEED).permutation(rows)] = np.arange(rows) % FOLDS
    scores = np.empty((rows, labels + kinds))
    for one in range(FOLDS):
        inside = np.flatnonzero(fold != one)
        outside = np.flatnonzero(fold == one)
        weights, offsets = _fit(matrix[inside], label_of[inside], kind_of[inside], importance[inside], labels, kinds)
        scores[outside] = matrix[outside] @ weights + offsets
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
    """
    return ensure_fitting(ModelShelf(model_dir), corpus_rows(tree), leaf_words(tree), additional)


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
