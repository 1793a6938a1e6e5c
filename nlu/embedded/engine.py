"""The engine inside the service: scores, claims and findings of a text put together into one `Understanding`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from domain.category import CategoryTree
from domain.complaint import Code, Kind
from domain.understanding import Evidence, Guess, Matter, Understanding, Word
from nlu.calibration import softmax
from nlu.embedded.model import Doubles, Model, Scored
from nlu.findings import Finder

CODE_RELIABILITY = 0.9
"""How often a platform's class code names the right leaf, as far as words do not tell."""

KIND_RELIABILITY = 0.85
"""How often a platform's kind is the one that our people would choose."""

SURE_OF_A_PART = 0.4
"""A part of a text is told as a matter of its own from this confidence on."""

MOST_CODES = 4
"""More class codes than this on one complaint are not weighed."""

MOST_AT_ONCE = 256
"""Texts that are worked on together; more are taken in turns, so that memory stays bounded."""

MOST_WORDS = 8
_RUNNERS_UP = 2
_LEAST = 1e-12
Row = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Call:
    """A caller who waits for its answers."""

    texts: Sequence[tuple[str, Evidence]]
    answers: asyncio.Future[list[Understanding]]


class EmbeddedEngine:
    """`domain.understanding.Engine` over a trained model.

    Calls that arrive in one turn of the event loop are answered together: a batch costs a third of its texts alone.
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
        self._finder = Finder(place_words)
        self._waiting: list[_Call] = []
        self._loop: asyncio.AbstractEventLoop | None = None
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
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting = loop, []
        call = _Call(texts, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._answer_waiting)
        self._waiting.append(call)
        return await call.answers

    def _answer_waiting(self) -> None:
        calls, self._waiting = self._waiting, []
        try:
            answers = self.understand_now([one for call in calls for one in call.texts])
        except Exception as error:  # whoever waits is told
            for call in calls:
                if not call.answers.done():
                    call.answers.set_exception(error)
            return
        begin = 0
        for call in calls:
            end = begin + len(call.texts)
            if not call.answers.done():
                call.answers.set_result(answers[begin:end])
            begin = end

    def understand_now(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        """The same without a loop to run in; for training, evaluation and ingest."""
        return [one for at in range(0, len(texts), MOST_AT_ONCE) for one in self._batch(texts[at : at + MOST_AT_ONCE])]

    def _batch(self, texts: Sequence[tuple[str, Evidence]]) -> list[Understanding]:
        scored = self._model.score([text for text, _ in texts])
        labels = self._model.of_labels.probabilities(scored.labels)
        kinds = self._model.of_kinds.probabilities(scored.kinds)
        for at, (_, evidence) in enumerate(texts):
            if evidence.codes:
                labels[at] = self._with_codes(labels[at], scored.labels[at], evidence.codes[:MOST_CODES])
            if evidence.kind in self._kinds:
                claim = np.zeros((1, len(self._kinds)))
                claim[0, self._kinds.index(evidence.kind)] = self._kind_bonus
                kinds[at] = softmax(np.log(np.maximum(kinds[at], _LEAST)) + claim)[0]
        return self._answers(texts, scored, labels, kinds)

    def _with_codes(self, probabilities: Row, scores: Row, codes: Sequence[Code]) -> Row:
        """(labels,) probabilities of a text with what the platform's codes claim added to its log-odds."""
        claims = [self._bonus(code.scheme, code.code) for code in codes]
        if not any(meant.size for meant, _ in claims):
            return probabilities
        weighed = np.log(np.maximum(self._model.of_labels.probabilities(scores[None, :], raising=False), _LEAST))
        for meant, bonus in claims:
            weighed[0, meant] += bonus
        found: Row = softmax(weighed)[0]
        return found

    def _bonus(self, scheme: str, code: str) -> tuple[npt.NDArray[np.int64], float]:
        """The labels that a code means and its log-odds: the fewer leaves it leaves open, the more it says."""
        found = self._code_bonus.get((scheme, code))
        if found is None:
            leaves = [
                self._place_of[leaf.code]
                for leaf in self._tree.answering_to(scheme, code)
                if leaf.code in self._place_of
            ]
            others = len(self._names) - len(leaves)
            bonus = (
                math.log(CODE_RELIABILITY / (1 - CODE_RELIABILITY) * others / len(leaves)) if leaves and others else 0.0
            )
            found = (np.array(leaves, dtype=np.int64), max(bonus, 0.0))
            if leaves:
                self._code_bonus[scheme, code] = found
        return found

    def _answers(
        self, texts: Sequence[tuple[str, Evidence]], scored: Scored, labels: Doubles, kinds: Doubles
    ) -> list[Understanding]:
        reading = scored.reading
        findings = self._finder.find_in(texts, reading.texts, reading.points, reading.offsets.tolist())
        order = np.argsort(-labels, axis=1, kind="stable")[:, : _RUNNERS_UP + 1]
        kind = kinds.argmax(axis=1).tolist()
        words = self._deciding_words(scored, order[:, 0])
        matters = self._matters([found.parts for found in findings])
        answers = []
        for at, found in enumerate(findings):
            guesses = self._guesses(labels[at], order[at].tolist())
            answers.append(
                Understanding(
                    engine=self.name,
                    version=self._model.version,
                    kind=self._kinds[kind[at]],
                    kind_confidence=float(kinds[at, kind[at]]),
                    category=guesses[0],
                    runners_up=guesses[1:],
                    urgency=found.urgency,
                    confidence=guesses[0].confidence,
                    places=found.places,
                    risks=found.risks,
                    words=words[at],
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
        labels = self._model.label_probabilities(flat)
        best = iter(zip(labels.argmax(axis=1).tolist(), labels.max(axis=1).tolist(), flat, strict=True))
        found = []
        for some in parts:
            matters: dict[str, Matter] = {}
            for at, confidence, part in islice(best, len(some)):
                code = self._model.labels[at]
                if confidence >= SURE_OF_A_PART:
                    matters.setdefault(code, Matter(part, Guess(code, self._names[at], confidence)))
            found.append(tuple(matters.values()) if len(matters) > 1 else ())
        return found

    def _guesses(self, probabilities: npt.NDArray[np.float64], best: Iterable[int]) -> tuple[Guess, ...]:
        return tuple(Guess(self._model.labels[at], self._names[at], float(probabilities[at])) for at in best)

    def _deciding_words(self, scored: Scored, chosen: npt.NDArray[np.int64]) -> list[tuple[Word, ...]]:
        """For each text the words that spoke most for its category, in calibrated log-odds."""
        reading, rows, matrix = scored.reading, scored.rows, scored.rows.matrix
        texts = len(reading.texts)
        label = np.repeat(chosen, np.diff(matrix.indptr))
        spoken = matrix.data * self._model.weights[matrix.indices, label] * self._model.of_labels.sharpness
        times = np.bincount(rows.occurrence_entry, minlength=spoken.size)
        share = (spoken / np.maximum(times, 1)).take(rows.occurrence_entry)
        word = np.searchsorted(reading.starts, rows.occurrence_at, side="right") - 1
        weight = np.bincount(np.maximum(word, 0), weights=share, minlength=reading.starts.size)
        bounds = np.searchsorted(reading.starts, reading.offsets)
        found = []
        spoken_words: dict[str, float]
        for at in range(texts):
            first, last = int(bounds[at]), int(bounds[at + 1])
            begin = int(reading.offsets[at])
            strongest = first + np.abs(weight[first:last]).argsort()[: -2 * MOST_WORDS : -1]
            words = zip(
                (reading.starts[strongest] - begin).tolist(),
                (reading.ends[strongest] - begin).tolist(),
                weight[strongest].tolist(),
                strict=True,
            )
            text, spoken_words = reading.texts[at], {}
            for start, end, strength in words:
                if end - start > 1:
                    spoken_words[text[start:end]] = spoken_words.get(text[start:end], 0.0) + strength
            found.append(
                tuple([Word(word, round(value, 3)) for word, value in list(spoken_words.items())[:MOST_WORDS]])
            )
        return found
