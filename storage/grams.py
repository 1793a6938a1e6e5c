"""Texts as the search index holds them: cut into short overlapping pieces, so that any part of them can be found.

Chinese has no spaces between words. Two neighbouring characters are a piece; of Latin letters and digits, which come in long
numbers, three. Not: where pieces are kept or how they are asked for (`search`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_RUN = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_LATIN, _OTHER = 3, 2
PHONE_TAIL = 4
"""Digits of a number that people say when they ask about “the call of the number ending in …”."""


def squeezed(text: str) -> str:
    """The letters, digits and characters of a text in one spelling: no spaces, no punctuation, half width, small."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char.isalnum())


def grams(squeezed_text: str) -> set[str]:
    """The pieces of a squeezed text. Those of any part of it are among them; a part may be too short to have any."""
    found: set[str] = set()
    for run in _RUN.findall(squeezed_text):
        size = _LATIN if run.isascii() else _OTHER
        found.update(run[start : start + size] for start in range(len(run) - size + 1))
    return found


def grams_of(fields: Iterable[str]) -> set[str]:
    """The pieces of several texts, none of which reaches from one into the next."""
    return set().union(*(grams(squeezed(field)) for field in fields))


def phone_tail(number: str) -> str:
    """The piece that stands for the last digits of a reporter's number, never the number itself; empty for none."""
    digits = "".join(char for char in number if char.isascii() and char.isdigit())
    return f"tel{digits[-PHONE_TAIL:]}" if len(digits) >= PHONE_TAIL else ""
