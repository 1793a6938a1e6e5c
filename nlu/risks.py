"""风险: words that say that a text is not to be left lying (danger, fire, crowds, threats…), with care for negation.

Only the text's words are judged; what a platform claims and what the category implies is weighed by the router.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import yaml

from domain.complaint import URGENCY_ORDER, Urgency
from nlu.lexicon import Hit

URGENT_WORDS = "urgent_words"
"""The list of words that raise the urgency and set no flag."""

_DENIED = re.compile(
    r"(?:没有|没|无|未|不是|并非|不存在|未发现|没发现|不会|不曾|避免|防止|预防|杜绝|谨防|严禁|禁止|以免|免得|不至于|谈不上)"
    r"[^ ,]{0,4}$"
)
_DENIAL_DENIED = re.compile(
    r"(?:有没有|是不是|会不会|难道不|不会不|没人管|没有人管|无人管|没处理|不得不|未处理|没解决|未解决|没反应)[^ ,]{0,4}$"
)
_NOT_NOW = re.compile(
    r"(?:容易|可能|担心|害怕|怕|万一|一旦|如果|假如|要是|曾|以前|去年|前年|存在|会不会|造成|导致|引起|引发|发生过|很容易|极易|易)"
    r"[^ ,]{0,8}$"
)
_GENERAL_AFTER = re.compile(r"(?:隐患|风险|怎么办|的可能|事故预防|演练|知识|宣传|保险)")
_LOOK_BACK = 10
_LOOK_AHEAD = 4


@cache
def _levels() -> dict[str, dict[str, Urgency]]:
    """Flag → phrase → how urgent it makes a text."""
    found = yaml.safe_load(Path(__file__).with_name("risks.yml").read_text(encoding="utf-8"))
    urgent_words = found.pop(URGENT_WORDS)
    levels = {
        flag: {phrase: Urgency(level) for level, phrases in by_level.items() for phrase in phrases}
        for flag, by_level in found.items()
    }
    levels[URGENT_WORDS] = dict.fromkeys(urgent_words, Urgency.URGENT)
    return levels


def flags() -> tuple[str, ...]:
    """All risk flags, gravest first."""
    return tuple(flag for flag in _levels() if flag != URGENT_WORDS)


def lists() -> Iterable[tuple[str, Iterable[str]]]:
    """The word lists for a `Lexicon`: one a flag, and `URGENT_WORDS`."""
    return list(_levels().items())


def judge(folded: str, hits: Sequence[Hit]) -> tuple[tuple[str, ...], Urgency]:
    """The flags of a text, in the order of `flags`, and how urgent its words make it.

    `folded`: the text as `nlu.folding.fold_text` gives it; `hits`: what the lexicon found in it.
    """
    if not hits:
        return (), Urgency.NORMAL
    levels = _levels()
    found: set[str] = set()
    urgency = Urgency.NORMAL
    for hit in hits:
        phrases = levels.get(hit.sort)
        if phrases is None:
            continue
        before = folded[max(0, hit.start - _LOOK_BACK) : hit.start]
        if _DENIED.search(before) and not _DENIAL_DENIED.search(before):
            continue
        found.add(hit.sort)
        level = phrases[hit.phrase]
        after = folded[hit.end : hit.end + _LOOK_AHEAD]
        if level is Urgency.CRITICAL and (_NOT_NOW.search(before) or _GENERAL_AFTER.match(after)):
            level = Urgency.URGENT
        if URGENCY_ORDER.index(level) > URGENCY_ORDER.index(urgency):
            urgency = level
    return tuple(flag for flag in flags() if flag in found), urgency
