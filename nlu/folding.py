"""Text → the code points that the model reads: full-width, capital and traditional forms folded, digits alike.

Nothing is judged here. Folding keeps positions: character i of the folded text is character i of the text that was read,
so that a finding in the folded text can be shown in the writer's own characters.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import opencc

Points = npt.NDArray[np.uint16]

HEAD_CHARACTERS = 1_200
TAIL_CHARACTERS = 300
"""Of a text longer than both together only its head and its tail are read: the work for any text is bounded."""

GAP = "\n…\n"
"""Stands where the middle of a long text was left out."""

SEPARATOR = 0
"""The folded code of everything that separates words: spaces, control characters, punctuation without a meaning here."""

DIGIT = ord("0")
ELSEWHERE = 0xFFFD
"""The folded code of every character outside the basic plane, of lone surrogates and of pictures."""

_KEPT_PUNCTUATION = "?!"
_PLANE = 0x10000
_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000))


def excerpt(text: str) -> str:
    """The part of a text that is read: all of it, or head and tail of a long one."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return text[:HEAD_CHARACTERS] + GAP + text[-TAIL_CHARACTERS:]


def fold(text: str) -> Points:
    """The folded code points of a text, one for each character; any string is taken, lone surrogates included."""
    raw = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return _folding_table().take(raw, mode="clip")


def unfolded(points: Points) -> str:
    """Folded code points as a string of the same length, separators as spaces; for comparing with words of a list."""
    return points.tobytes().decode("utf-16-le").replace("\0", " ")


def fold_text(text: str) -> str:
    """The folded text as a string of the same length, separators as spaces."""
    return unfolded(fold(text))


@cache
def simplified() -> dict[str, str]:
    """Traditional → simplified, single characters, as OpenCC has them."""
    ideographs = [chr(point) for first, last in _IDEOGRAPHS for point in range(first, last)]
    converted = opencc.OpenCC("t2s").convert("\n".join(ideographs)).split("\n")
    return {
        one: plain for one, plain in zip(ideographs, converted, strict=True) if plain != one and plain < chr(_PLANE)
    }


@cache
def _folding_table() -> Points:
    table = np.zeros(_PLANE + 1, dtype=np.uint16)
    to_simplified = simplified()
    for point in range(_PLANE):
        table[point] = _folded(chr(point), to_simplified)
    table[_PLANE] = ELSEWHERE
    return table


def _folded(character: str, to_simplified: dict[str, str]) -> int:
    category = unicodedata.category(character)
    if category == "Cs":
        return ELSEWHERE
    wide = unicodedata.normalize("NFKC", character)
    if len(wide) == 1:
        character = wide
        category = unicodedata.category(character)
    if category == "Nd":
        return DIGIT
    if character in _KEPT_PUNCTUATION:
        return ord(character)
    if category[0] in "ZCP":
        return SEPARATOR
    lower = character.lower()
    character = lower if len(lower) == 1 else character
    return ord(to_simplified.get(character, character)) if ord(character) < _PLANE else ELSEWHERE
