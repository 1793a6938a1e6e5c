"""Several matters in one text: where it counts them up (1、2、; 一是…二是…; 另外…), the parts, each to be judged alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from nlu.lexicon import Hit

MATTER = "matter"
"""The name of the list of counting words in the lexicon."""

MOST_PARTS = 6
SHORTEST_PART = 6

_COUNTED = ("2、", "2.", "2．", "２、", "二、", "②", "（2）", "(2)", "（二）", "2，")
_BOUNDARY = re.compile(
    r"(?:^|(?<=[。；;！!？?，,：:\n 　]))"
    r"(?:[1-6１-６][、.．，)）]|[（(][1-6一二三四五六][)）]|[一二三四五六]、|[①②③④⑤⑥]|[一二三四五]是|第[一二三四五][,，、点]?"
    r"|另外|此外|还有就是|还有|其次|再就是|再有|再者|顺便|同时(?:还|也)?反映|同时还|最后)"
)


def words() -> Sequence[str]:
    """The phrases that open a further matter."""
    return (
        "另外",
        "此外",
        "还有",
        "其次",
        "再就是",
        "再有",
        "再者",
        "顺便",
        "同时反映",
        "同时还",
        "同时也反映",
        "二是",
        "第二",
    )


def parts(text: str, hits: Sequence[Hit]) -> list[str]:
    """The parts of a text that counts up several matters, at most six; empty for a text that does not."""
    if not any(hit.sort == MATTER for hit in hits) and not any(mark in text for mark in _COUNTED):
        return []
    cuts = [match.start() for match in _BOUNDARY.finditer(text)]
    bounds = [0, *(cut for cut in cuts if cut > 0), len(text)]
    found = [text[begin:end].strip(" \n，。；,;") for begin, end in pairwise(bounds)]
    found = [part for part in found if len(part) >= SHORTEST_PART][:MOST_PARTS]
    return found if len(found) > 1 else []
