"""How people really type and talk: dialect, slips of the keyboard, missing punctuation, pictures. Text in, text out."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LOOSE = re.compile(r"[，。！？；：、“”（）,.!?]+")
_BEFORE_STOP = re.compile(r"[，；：、]+(?=[。！？])")
_AFTER_STOP = re.compile(r"([。！？])[，。；：、]+")
_TWICE = re.compile(r"([，。；：、])\1+")


@dataclass(frozen=True, slots=True)
class Wording:
    """Word tables of `material/wording.yml`."""

    dialect: Mapping[str, str]
    typos: Mapping[str, str]
    fillers: Sequence[str]
    emoji: Sequence[str]


def tidy(text: str) -> str:
    """Punctuation that composing left doubled, brought in order."""
    text = _BEFORE_STOP.sub("", text)
    text = _AFTER_STOP.sub(r"\1", text)
    return _TWICE.sub(r"\1", text).strip("，；、 ")


def perturb(text: str, style: str, wording: Wording, rng: random.Random) -> str:
    """The text as this writer would have it. Official case descriptions and operators' notes stay as composed."""
    if style in ("official", "operator"):
        return _slip(text, wording.typos, 1, rng) if rng.random() < 0.03 else text
    if rng.random() < 0.07:
        text = _replace_some(text, wording.dialect, 5, rng)
    if rng.random() < 0.09:
        text = _slip(text, wording.typos, rng.randint(1, 3), rng)
    if style == "spoken":
        # A speaker hesitates where a writer would set a comma.
        return _LOOSE.sub(lambda _: rng.choice(wording.fillers) if rng.random() < 0.25 else "", text)
    if style in ("short", "angry"):
        if rng.random() < 0.12:
            return _LOOSE.sub(" " if rng.random() < 0.5 else "", text).strip()
        if rng.random() < 0.1:
            return text.rstrip("。，") + rng.choice(wording.emoji)
    return text


def _replace_some(text: str, table: Mapping[str, str], most: int, rng: random.Random) -> str:
    present = [word for word in table if word in text]
    for word in rng.sample(present, min(most, len(present))):
        text = text.replace(word, table[word], 1)
    return text


def _slip(text: str, typos: Mapping[str, str], number: int, rng: random.Random) -> str:
    """Wrong homophones, or one character swapped with its neighbour, or one left out."""
    choice = rng.random()
    if choice < 0.6 or len(text) < 8:
        return _replace_some(text, typos, number, rng)
    at = rng.randrange(1, len(text) - 2)
    if choice < 0.8:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]
