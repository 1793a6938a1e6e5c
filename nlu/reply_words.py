"""A reply as the check reads it: without the complaint's own words and the signature's date, its phrases by list, its details.

Not a judgement: `replies` makes that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from nlu.folding import fold_text

READ_CHARACTERS = 20_000
"""Of a longer complaint or reply the beginning is read: the work for any text is bounded."""

_ECHO = 8
"""So many characters in a row that the complaint has too are its words, not the reply's."""

_GAP = "…"
_NOT_PHRASES = frozenset({"surnames", "compound_surnames", "not_names", "asks"})
_CLAUSE = re.compile(r"[^。！!；;，,：:\n]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SHORTEST_CLAUSE = 4
_NUMERAL = "零〇○ｏo一二三四五六七八九十"
_DATE = (
    r"(?:(?:19|20)\d\d ?年 ?\d{1,2} ?月(?: ?\d{1,2} ?[日号]?)?|20\d\d[-.]\d\d?[-.]\d\d?"
    rf"|[{_NUMERAL}]{{4}}年[{_NUMERAL}]{{1,3}}月[{_NUMERAL}]{{1,3}}日)"
)
_SIGNATURE_DATE = re.compile(rf"{_DATE}(?=\s*(?:$|网友|网民|尊敬|“|您好|您的))")
_TIME = re.compile(rf"{_DATE}|\d{{1,2}} ?月|\d{{1,2}} ?[日号](?!线|楼)|\d{{1,3}} ?个?(?:工作日|小时|天|周|月)")
_DETAIL = re.compile(
    r"\d[\d.,]* ?(?:%|％|多|余|\+)? ?(?:平方|[米㎡元万亿户亩人名次家栋条台个吨座起件辆天年月日号点时期路]"
    r"|公里|小时|分贝|千伏|km|℃)"
    r"|《[^》]{2,40}》|第[一二三四五六七八九十百\d]{1,5}条|[〔\[﹝]\d{4}[〕\]﹞]"
)
_PHONE = re.compile(
    r"0\d{2,3}[-－—]*\d{4,8}|(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{7,8}(?!\d)"
    r"|(?:拨打|致电|热线|电话|平台)[^\d。]{0,6}(?:1\d{2}|1[0-9]\d{3}|9\d{4})(?!\d)"
)


@cache
def word_data() -> dict[str, Any]:
    """`replies.yml` as it stands."""
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("replies.yml").read_text(encoding="utf-8"))
    return data


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """List name → a pattern of its phrases, longest first, for folded text; “…”: at most 12 characters."""
    return {name: _pattern(phrases) for name, phrases in word_data().items() if name not in _NOT_PHRASES}


def _pattern(phrases: list[str]) -> re.Pattern[str]:
    gap = "[^ ]{0,12}?"
    ordered = sorted(map(str, phrases), key=lambda phrase: (-len(phrase), phrase))
    return re.compile("|".join(gap.join(re.escape(fold_text(part)) for part in one.split(_GAP)) for one in ordered))


@dataclass(frozen=True)
class Reply:
    """`text`: what was read of the reply; `own`: the same length, with the complaint's words and the date of signing blanked;
    `folded`: `own` as word lists see it."""

    text: str
    own: str
    folded: str

    def spans(self, name: str) -> list[tuple[int, int]]:
        """Where phrases of a list stand in the reply's own words."""
        return [match.span() for match in patterns()[name].finditer(self.folded)]

    def count(self, *names: str) -> int:
        """How many different phrases of some lists stand there."""
        return sum(len({match[0] for match in patterns()[name].finditer(self.folded)}) for name in names)

    @cached_property
    def details(self) -> frozenset[str]:
        """Figures with units, dates, articles and titles of documents: what only this reply could say."""
        return frozenset(match[0] for match in _DETAIL.finditer(self.own))

    @cached_property
    def substance(self) -> int:
        """Chinese characters that are left when greetings, thanks, promises and clauses about forwarding are taken out."""
        left = 0
        for clause in _CLAUSE.finditer(self.own):
            plain = self.folded[clause.start() : clause.end()]
            if patterns()["forwarded"].search(plain):
                continue
            length = len(_HAN.findall(patterns()["hollow"].sub("", plain)))
            left += length if length >= _SHORTEST_CLAUSE else 0
        return left

    @cached_property
    def dated(self) -> bool:
        """It names a time (not only the date of signing)."""
        return bool(_TIME.search(self.own) or patterns()["terms"].search(self.folded))

    @cached_property
    def has_phone(self) -> bool:
        """It gives a number to call."""
        return bool(_PHONE.search(self.text))


def read(complaint_text: str, reply: str) -> Reply:
    """The reply as it is judged. Any strings are taken."""
    text = reply[:READ_CHARACTERS]
    complaint = complaint_text[:READ_CHARACTERS]
    echoes = {complaint[at : at + _ECHO] for at in range(len(complaint) - _ECHO + 1)}
    own = list(text)
    for at in range(len(text) - _ECHO + 1):
        if text[at : at + _ECHO] in echoes:
            own[at : at + _ECHO] = " " * _ECHO
    for date in _SIGNATURE_DATE.finditer(text):
        own[date.start() : date.end()] = " " * (date.end() - date.start())
    joined = "".join(own)
    return Reply(text, joined, fold_text(joined))
