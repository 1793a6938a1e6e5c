"""The engine inside the service: scores, claims and findings of a text put together into one `Understanding`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from domain.category import CategoryTree
from domain.complaint import Code, Kind
from domain.understanding import Evidence, Guess, Matter, Understanding, Word
from nlu.calibration import softmax
from nlu.claims import MOST_CODES, bonus_of_code
from nlu.embedded.model import Doubles, Model
from nlu.embedded.reader import Read, Reader
from nlu.embedded.turns import Turns
from nlu.findings import Finder

KIND_RELIABILITY = 0.85
"""How often a platform's kind is the one that our people would choose."""

SURE_OF_A_PART = 0.4
"""A part of a text is told as a matter of its own from this confidence on."""

MOST_AT_ONCE = 256
"""Texts that are worked on together; more are taken in turns, so that memory stays bounded."""

MOST_WORDS = 8
_RUNNERS_UP = 2
_LEAST = 1e-12
_NUMBER = re.compile(r"\d{5}")
Row = npt.NDArray[np.float64]
Ranked = list[tuple[int, float]]
"""Places of labels or kinds with their probabilities, best first."""


class EmbeddedEngine:
    """`domain.understanding.Engine` over a trained model.

    Calls that arrive in one turn of the event loop are answered together: a batch costs about half of its texts alone.
    A turn is bounded, so that other requests are served between the parts of a long call.
    """

    name = "embedded"

    def __init__(self, model: Model, tree: CategoryTree, place_words: frozenset[str]) -> None:
        """`place_words`: the words that the router can find a cell by. Raises ValueError when the model's labels are not
        leaves of the tree or it knows no kinds: it was trained for something else."""
        strange = [label for label in model.labels if tree.get(label) is None]
        if strange:
            raise ValueError(f"模型 {model.version} 的类别不是事项分类表中的事项：{'、'.join(strange[:5])}")
        if not model.kinds:
            raise ValueError(f"模型 {model.version} 未学习诉求类型")
        self._model = model
        self._tree = tree
        self._names = [tree.leaves[label].name for label in model.labels]
        self._place_of = {label: at for at, label in enumerate(model.labels)}
        self._kinds = [Kind(kind) for kind in model.kinds]
        self._reader = Reader(model.dictionary, model.vocabulary)
        self._finder = Finder(place_words)
        self._turns = Turns(self.understand_now)
        self._code_bonus: dict[tuple[str, str], tuple[npt.NDArray[np.int64], float]] = {}
        self._kind_bonus = math.log(KIND_RELIABILITY / (1 - KIND_RELIABILITY) * max(len(self._kinds) - 1, 1))

    @property
    def version(self) -> str:
        return self._model.version

    @property
    def model(self) -> Model:
        return self._model

    async def understand(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """One `Understanding` for each text, in order. Never raises for a text."""
        return await self._turns.ask(texts)

    def understand_now(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """The same without a loop to run in; for training, evaluation and ingest."""
        return [one for at in range(0, len(texts), MOST_AT_ONCE) for one in self._batch(texts[at : at + MOST_AT_ONCE])]

    def _batch(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        readings = self._reader.read([text for text, _ in texts])
        label_scores, kind_scores = self._scores(readings)
        labels = self._model.of_labels.best(label_scores, _RUNNERS_UP + 1)
        kinds = self._model.of_kinds.best(kind_scores, 1)
        for at, (_, evidence) in enumerate(texts):
            if evidence.codes:
                labels[at] = self._with_codes(labels[at], label_scores[at], evidence.codes[:MOST_CODES])
            if evidence.kind in self._kinds:
                kinds[at] = self._with_kind(kind_scores[at], self._kinds.index(evidence.kind))
        return self._answers(texts, readings, labels, [best[0] for best in kinds])

    def _scores(self, readings: Sequence[Read]) -> tuple[Doubles, Doubles]:
        """Raw scores: (texts, labels) and (texts, kinds)."""
        model = self._model
        scores = np.empty((len(readings), model.offsets.size))
        for at, one in enumerate(readings):
            weights = model.weights.take(one.columns, axis=0).astype(np.float32)
            scores[at] = one.values.astype(np.float32, copy=False) @ weights
        scores += model.offsets
        return scores[:, : len(model.labels)], scores[:, len(model.labels) :]

    def _with_codes(self, without: Ranked, scores: Row, codes: Sequence[Code]) -> Ranked:
        """The best labels of a text with what the platform's codes claim added to their log-odds."""
        claims = [self._bonus(code.scheme, code.code) for code in codes]
        if not any(meant.size for meant, _ in claims):
            return without
        probabilities = self._model.of_labels.probabilities(scores[None, :], raising=False)[0]
        weighed = np.log(np.maximum(probabilities, _LEAST))
        for meant, bonus in claims:
            weighed[meant] += bonus
        return _best_of(weighed, _RUNNERS_UP + 1)

    def _with_kind(self, scores: Row, claimed: int) -> Ranked:
        """The best kind of a text with what the platform claims weighed in."""
        weighed = np.log(np.maximum(self._model.of_kinds.probabilities(scores[None, :])[0], _LEAST))
        weighed[claimed] += self._kind_bonus
        return _best_of(weighed, 1)

    def _bonus(self, scheme: str, code: str) -> tuple[npt.NDArray[np.int64], float]:
        """The labels that a code means, and its log-odds."""
        found = self._code_bonus.get((scheme, code))
        if found is None:
            leaves = [
                self._place_of[leaf.code]
                for leaf in self._tree.answering_to(scheme, code)
                if leaf.code in self._place_of
            ]
            found = (np.array(leaves, dtype=np.int64), bonus_of_code(len(leaves), len(self._names)))
            if leaves:
                self._code_bonus[scheme, code] = found
        return found

    def _answers(
        self,
        texts: Sequence[tuple[str, Evidence]],
        readings: Sequence[Read],
        labels: Sequence[Ranked],
        kinds: Sequence[tuple[int, float]],
    ) -> list[Understanding]:
        findings = [
            self._finder.find_in(whole, evidence, one.text, one.folded)
            for (whole, evidence), one in zip(texts, readings, strict=True)
        ]
        matters = self._matters([found.parts for found in findings])
        answers = []
        for at, found in enumerate(findings):
            guesses = tuple([Guess(self._model.labels[one], self._names[one], chance) for one, chance in labels[at]])
            kind, kind_confidence = kinds[at]
            answers.append(
                Understanding(
                    engine=self.name,
                    version=self._model.version,
                    kind=self._kinds[kind],
                    kind_confidence=kind_confidence,
                    category=guesses[0],
                    runners_up=guesses[1:],
                    urgency=found.urgency,
                    confidence=guesses[0].confidence,
                    places=found.places,
                    risks=found.risks,
                    words=self._deciding_words(readings[at], labels[at][0][0]),
                    times=found.times,
                    parties=found.parties,
                    personal_numbers=found.personal_numbers,
                    matters=matters[at],
                )
            )
        return answers

    def _matters(self, parts: Sequence[Sequence[str]]) -> list[tuple[Matter, ...]]:
        """For each text the different matters of its parts; empty where they come to one."""
        flat = [part for some in parts for part in some]
        if not flat:
            return [() for _ in parts]
        scores, _ = self._scores(self._reader.read(flat))
        best = iter(zip(self._model.of_labels.best(scores, 1), flat, strict=True))
        found = []
        for some in parts:
            matters: dict[str, Matter] = {}
            for ((at, confidence),), part in islice(best, len(some)):
                code = self._model.labels[at]
                if confidence >= SURE_OF_A_PART:
                    matters.setdefault(code, Matter(part, Guess(code, self._names[at], confidence)))
            found.append(tuple(matters.values()) if len(matters) > 1 else ())
        return found

    def _deciding_words(self, one: Read, chosen: int) -> tuple[Word, ...]:
        """The words of a text that spoke most for its category, in calibrated log-odds.

        Long numbers may be somebody's; what decided is kept for ever and told to others, so they are never named.
        """
        model = self._model
        spoken = model.weights[one.columns, chosen] * (one.values / one.counts) * model.of_labels.sharpness
        share = dict(zip(one.columns.tolist(), spoken.tolist(), strict=True))
        weight = [0.0] * len(one.folded)
        for column, at in zip(one.found, one.found_at, strict=True):
            weight[at] += share[column]
        strength_of: dict[str, float] = {}
        for start, end, after in zip(one.starts, one.ends, [*one.starts[1:], len(weight)], strict=False):
            if end - start > 1:
                word = one.text[start:end]
                strength_of[word] = strength_of.get(word, 0.0) + sum(weight[start:after])
        strongest = sorted(strength_of.items(), key=lambda item: -abs(item[1]))
        named = (
            Word(word, round(strength, 3)) for word, strength in strongest if strength and not _NUMBER.search(word)
        )
        return tuple(islice(named, MOST_WORDS))


def _best_of(log_odds: Row, number: int) -> Ranked:
    probabilities = softmax(log_odds[None, :])[0]
    return [(at, float(probabilities[at])) for at in np.argsort(-probabilities, kind="stable")[:number].tolist()]
