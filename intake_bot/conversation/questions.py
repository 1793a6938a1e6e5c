"""咨询: the bureau's own questions and answers (`questions.yml`), found by the words that a question shares with them.

Words are cut as the model cuts them; a question is compared by the cosine of tf-idf vectors with each entry's variants and
with the entry as a whole. Small enough to be kept as plain dictionaries; nothing is learnt.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import yaml

from nlu.embedded.gram_table import GramTable
from nlu.embedded.segmentation import build_dictionary, grams_of, words_of
from nlu.folding import fold, unfolded

FLOOR = 0.38
"""Below this score a question counts as unknown: the caller asks a person rather than hear a wrong answer."""

LONGEST_QUESTION = 120
"""Characters of a text that are compared; nobody asks a longer question in one breath."""

PAIR, CHARACTER, UNKNOWN, ANSWER, WHOLE = 0.5, 0.4, 0.4, 0.15, 0.6
"""Weights, chosen with the floor on the paraphrases of `tests/conversation/paraphrases.yml`: of two neighbouring characters and
of one beside a word, of what no entry has, of an answer's words beside its questions', of an entry as a whole beside
its nearest variant."""

_SAYS_NOTHING = frozenset(
    (
        *(
            "的",
            "了",
            "吗",
            "呢",
            "吧",
            "啊",
            "呀",
            "是",
            "我",
            "你",
            "您",
            "他",
            "们",
            "你们",
            "我们",
            "这",
            "那",
            "就",
            "都",
            "也",
        ),
        *(
            "和",
            "与",
            "在",
            "有",
            "要",
            "会",
            "能",
            "个",
            "到",
            "给",
            "把",
            "被",
            "对",
            "想",
            "问",
            "请",
            "请问",
            "想问",
            "一下",
            "麻烦",
        ),
        *(
            "咨询",
            "知道",
            "告诉",
            "谢谢",
            "你好",
            "您好",
            "什么",
            "怎么",
            "怎样",
            "如何",
            "可以",
            "需要",
            "应该",
            "多少",
            "几",
            "哪",
        ),
        *("哪里", "为什么", "是否", "能否", "能不能", "可不可以", "是不是", "要不要", "需不需要", "?", "!"),
    )
)
_LIGHT = 0.35
"""Weight of words that nearly every question has: they tell how something is asked, not what."""

Vector = dict[str, float]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question as people put it, in several ways, with the answer and where it comes from."""

    questions: tuple[str, ...]
    answer: str
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that fits a question, and how well: 0 to 1."""

    entry: Entry
    score: float


class UnreadableQuestions(ValueError):
    """The question file cannot be used; the message says why, in Chinese."""


class QuestionBook:
    """All entries. The first question waits about a second for jieba's dictionary: ask from a thread."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)

    def find(self, question: str) -> Found | None:
        """The entry that fits best, where one fits well enough."""
        return self._index.find(question)

    @cached_property
    def _index(self) -> _Index:
        return _Index(self.entries)


class _Index:
    """The vectors of all entries."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        wholes = [_whole(entry) for entry in self.entries]
        seen = Counter(feature for features in wholes for feature in features)
        total = math.log(1 + len(wholes))
        self._unknown = UNKNOWN * total
        self._idf = {feature: total - math.log(1 + count) + 0.3 for feature, count in seen.items()}
        self._wholes = [self._vector(features) for features in wholes]
        self._variants = [[self._vector(_counted(one)) for one in entry.questions] for entry in self.entries]

    def find(self, question: str) -> Found | None:
        asked = self._vector(_counted(question[:LONGEST_QUESTION]))
        best: Found | None = None
        for entry, whole, variants in zip(self.entries, self._wholes, self._variants, strict=True):
            nearest = max(_product(asked, one) for one in variants)
            score = (1 - WHOLE) * nearest + WHOLE * 1.6 * _product(asked, whole)
            if score >= FLOOR and (best is None or score > best.score):
                best = Found(entry, min(score, 1.0))
        return best

    def _vector(self, features: Mapping[str, float]) -> Vector:
        weighed = {feature: count * self._idf.get(feature, self._unknown) for feature, count in features.items()}
        length = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
        return {feature: weight / length for feature, weight in weighed.items()}


def _product(one: Vector, other: Vector) -> float:
    return sum(weight * other.get(feature, 0.0) for feature, weight in one.items())


def _whole(entry: Entry) -> Vector:
    """All variants of an entry taken together, and its answer lightly; what comes often counts by its logarithm."""
    added: defaultdict[str, float] = defaultdict(float)
    for question in entry.questions:
        for feature, count in _counted(question).items():
            added[feature] += count
    for feature, count in _counted(entry.answer).items():
        added[feature] += count * ANSWER
    return {feature: 1 + math.log(count + 0.8) if count > 0.2 else count for feature, count in added.items()}


def _counted(text: str) -> Vector:
    """The words of a text, its characters and their pairs: a paraphrase shares these where it does not share words."""
    points = fold(text + "\n")
    grams = grams_of(points)
    starts, ends = words_of(points, grams, _dictionary())
    plain = unfolded(points)
    words = [plain[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    found = {word: _LIGHT if word in _SAYS_NOTHING else 1.0 if len(word) > 1 else CHARACTER for word in words}
    told = "".join(word for word in dict.fromkeys(words) if word not in _SAYS_NOTHING)
    for pair in pairwise(told):
        found.setdefault(f"{pair[0]}{pair[1]}·", PAIR)
    for character in told:
        found.setdefault(f"{character}·", CHARACTER)
    return found


@cache
def _dictionary() -> GramTable:
    return build_dictionary()


def load_questions(path: Path) -> QuestionBook:
    """The question file. Raises UnreadableQuestions, naming the entry that is mistaken."""
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise UnreadableQuestions(f"读不到问答文件 {path.name}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnreadableQuestions(f"问答文件 {path.name} 不是有效的 YAML：{error}") from None
    if not isinstance(found, list):
        raise UnreadableQuestions(f"问答文件 {path.name} 应为列表，每项含 questions、answer、source")
    entries = []
    for number, one in enumerate(found, 1):
        try:
            entry = msgspec.convert(one, Entry)
        except msgspec.ValidationError as error:
            raise UnreadableQuestions(
                f"问答文件 {path.name} 第 {number} 项应含 questions（问法列表）、answer、source：{error}"
            ) from None
        if not entry.questions or not all(one.strip() for one in (*entry.questions, entry.answer, entry.source)):
            raise UnreadableQuestions(f"问答文件 {path.name} 第 {number} 项的问法、答案、来源都不能为空")
        entries.append(entry)
    return QuestionBook(entries)
