"""A complaint's text with what the model read in it: the words that decided, places, times and those complained about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from domain.understanding import Understanding

MOST_WORDS = 12
SORT_NAMES = {"place": "地点", "time": "时间", "party": "被反映对象"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text. `decided`: it spoke for the category; `sort`: place, time or party, else empty."""

    text: str
    decided: bool = False
    sort: str = ""


def marked(text: str, understanding: Understanding) -> list[Piece]:
    """The whole text in pieces, in order."""
    decided = [False] * len(text)
    sorts = [""] * len(text)
    strongest = sorted((one for one in understanding.words if one.weight > 0), key=lambda one: -one.weight)
    for start, end in _spans(text, (one.text for one in strongest[:MOST_WORDS])):
        decided[start:end] = [True] * (end - start)
    named = {
        "party": [one.text for one in understanding.parties],
        "time": [one.text for one in understanding.times],
        "place": list(understanding.places),
    }
    for sort, words in named.items():
        for start, end in _spans(text, words):
            sorts[start:end] = [sort] * (end - start)
    pieces, start = [], 0
    for (is_decided, sort), run in groupby(zip(decided, sorts, strict=True)):
        length = len(list(run))
        pieces.append(Piece(text[start : start + length], is_decided, sort))
        start += length
    return pieces


def _spans(text: str, words: Iterable[str]) -> Iterator[tuple[int, int]]:
    for word in words:
        start = text.find(word) if word else -1
        while start >= 0:
            yield start, start + len(word)
            start = text.find(word, start + len(word))
