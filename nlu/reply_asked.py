"""What a complaint asks and counts up, and which of it a reply never touches. Judged by shared pairs of characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from domain.complaint import Kind
from nlu import matters
from nlu.folding import excerpt, fold_text
from nlu.lexicon import Lexicon
from nlu.reply_words import Reply, patterns, word_data

MOST_SHOWN = 4
SHOWN_CHARACTERS = 24
MOST_QUESTIONS = 12

_SENTENCE = re.compile(r"[^。！!？?；;\n]+[？?]?")
_TELLING = re.compile(r"[\u4e00-\u9fff]{2}")
_FUNCTION = re.compile(
    r"[的了是在我你您们他有不这那也都就和及与对为到从个一上下来去要会能说请吗呢吧么什怎哪谁何多少没还很被把给让而但或之其所以因此如果当又再可想望谢领导尊敬问否]"
)
_LEAST_PAIRS = 2
_TOUCHED = 0.1
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Unanswered:
    """`questions` and `matters` in the citizen's words, shortened. `most_questions`: at least half of them are left."""

    questions: tuple[str, ...]
    most_questions: bool
    matters: tuple[str, ...]


def unanswered(complaint_text: str, kind: Kind, reply: Reply) -> Unanswered:
    """What of a complaint a reply does not touch. Outside consultations only what is asked with 请问 counts as a question:
    the others are mostly rhetorical."""
    text = excerpt(complaint_text)
    there = {reply.text[at : at + 2] for at in range(len(reply.text) - 1)}
    asked = _questions(text, kind)
    left = [question for question in asked if not _answered(question, there, reply)]
    untouched = [part for part in _parts(text)[1:] if not _touched(part, there)]  # the first is title and greeting
    return Unanswered(_shown(left), 2 * len(left) >= len(asked) > 0, _shown(untouched))


def _questions(text: str, kind: Kind) -> list[str]:
    found = [match[0].strip() for match in _SENTENCE.finditer(text)]
    asked = [one for one in found if _asks(one, kind) and len(_pairs(one)) >= _LEAST_PAIRS]
    return asked[:MOST_QUESTIONS]


def _asks(sentence: str, kind: Kind) -> bool:
    if kind is not Kind.CONSULTATION:
        return "请问" in sentence
    return sentence.endswith(("？", "?")) or any(word in sentence for word in word_data()["asks"])


def _answered(question: str, there: set[str], reply: Reply) -> bool:
    folded = fold_text(question)
    if patterns()["asks_when"].search(folded):
        return reply.dated or bool(reply.spans("not_fixed"))
    if patterns()["asks_amount"].search(folded) and not _DIGIT.search(reply.own):
        return False
    return _touched(question, there)


def _touched(passage: str, there: set[str]) -> bool:
    wanted = _pairs(passage)
    return len(wanted) < _LEAST_PAIRS or len(wanted & there) >= max(1.0, _TOUCHED * min(len(wanted), 20))


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters that carry meaning."""
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    return {pair for pair in pairs if _TELLING.fullmatch(pair) and not _FUNCTION.search(pair)}


def _parts(text: str) -> list[str]:
    return matters.parts(text, _counting_words().find(fold_text(text)))


def _shown(passages: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_short, passages)))[:MOST_SHOWN]


def _short(passage: str) -> str:
    return passage if len(passage) <= SHOWN_CHARACTERS else passage[: SHOWN_CHARACTERS - 1] + "…"


@cache
def _counting_words() -> Lexicon:
    return Lexicon([(matters.MATTER, matters.words())])
