"""诉求 → what of it is compared with others: telling pieces of its text, places, parties. Not: how alike two are (`router`).

Rarity comes from `gram_shares.txt`, made of our own corpus by `python -m nlu.signatures`: pieces that stand there often say
little. What does not stand there counts as rare.
"""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from domain.category import Category
from domain.complaint import Complaint
from domain.incident import Signature
from domain.understanding import Understanding
from nlu.corpus import load_corpus
from nlu.folding import excerpt, simplified

SHARES_FILE = Path(__file__).parent / "gram_shares.txt"
MOST_SHARES = 3_000
"""Commonest pieces that the file holds; all others count as rare."""

MOST_GRAMS = 160
"""Pieces of one text that are compared, the most telling ones: the work for two letters is bounded."""

MARKS = 6
"""Minima of as many hash functions over runs of four characters: two texts that share half of these runs share one of the
marks with a chance of 98 %."""

RARE_MARKS = 3
"""As many marks again over the rare pieces only, so that texts in other words but about the same rare thing meet."""

_SEEDS = np.array([(0x9E3779B97F4A7C15 * (number + 1)) & (2**64 - 1) for number in range(MARKS)], dtype=np.uint64)
_WHOLE = ("村", "社区", "镇", "街道", "县", "市", "区", "乡")
_DISTRICT = re.compile(r"^(?:.{1,6}(?:省|市|县))?(?:.{1,4}[区镇])?")
_TOO_SHORT = 2
_TO_NUMBER = re.compile(r"^.*?\d+(?:号|弄|幢|栋|组)?")
_NOBODY = re.compile(r"路边|每天|街边|小区|几乎|经常")
_KINDS = frozenset(
    {
        "洗车",
        "烟酒",
        "五金",
        "保洁",
        "物业",
        "汽修",
        "装修",
        "餐饮",
        "水果",
        "早餐",
        "烧烤",
        "快递",
        "开发商",
        "建筑",
        "房地产",
        "食品厂",
        "印染厂",
        "化工厂",
        "电镀厂",
        "塑料造粒厂",
        "水泥厂",
    }
)
"""What a shop deals in tells no shop from another."""
_COMPANY_END = re.compile(r"(?:有限责任|股份有限|有限)?公司$|店$")
_SPEECH = re.compile(
    r"^(?:市民|来电|反映|投诉|举报|位于|关于|在|的|对|我家?|楼下|隔壁|附近|有一?家|一家|两家|那家|这家|叫|名叫|某|你讲|一下|那个|这个|啊|边|路边)+"
)
_NO_PARTY = re.compile(
    r"[走错哎呀满散没了的我你他是不就都被把给么糊属解决讲每乎完]|孩子|时候|近期|最近|沿街|过桥|马路|路口$|门口$|烟酒店|渣土车|整条|公共道路|私自|上路$|车一路|^\d+\D?$"
)
"""What the finder of parties takes for one now and then, and no party is named."""
_NO_PLACE = re.compile(r"[路门]口$|^\d+\D?$")
"""What stands in addresses and names no place by itself."""
Hashes = npt.NDArray[np.uint64]


def plain(text: str) -> str:
    """A text as it is compared: full-width, capital and traditional forms folded, only letters and digits kept."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_simplified())
    return "".join(character for character in folded if character.isalnum())


@cache
def _simplified() -> dict[int, str]:
    return {ord(one): simple for one, simple in simplified().items()}


def signature(complaint: Complaint, understanding: Understanding, category: Category | None, **where: str) -> Signature:
    """The signature of a complaint. `category` None: a leaf that is gone. `where` may name `cell` and `reporter` (its key)."""
    text = plain(excerpt(complaint.text))
    code = category.code if category else understanding.category.code
    named = (complaint.party, *(party.text for party in understanding.parties))
    return Signature(
        at=complaint.reported_at,
        category=code,
        group=category.group if category else code,
        point=complaint.place.point,
        places=places_of((*_addressed(complaint.place.address), *understanding.places)),
        parties=parties_of(named),
        grams=telling(text),
        marks=marks_of(text),
        **where,
    )


def places_of(words: Iterable[str]) -> tuple[str, ...]:
    """Place words as they are compared: without the names of province, city, district and town; no whole villages."""
    found: dict[str, None] = {}
    for word in words:
        folded = plain(word)
        short = _SPEECH.sub("", _DISTRICT.sub("", folded, count=1) or folded)
        if len(short) > _TOO_SHORT and not short.endswith(_WHOLE) and not _NO_PLACE.search(short):
            found[short] = None
    # “恬庄南街18号” says all that “恬庄南街” beside it does.
    return tuple(one for one in found if not any(other != one and other.startswith(one) for other in found))


def _addressed(address: str) -> tuple[str, ...]:
    """The place that an address names: up to and with its first house number; what follows is a floor or a hint."""
    folded = plain(address)
    found = _TO_NUMBER.match(folded)
    return (found[0] if found else folded,) if folded else ()


def parties_of(names: Iterable[str]) -> tuple[str, ...]:
    """Names of parties as they are compared: without what was said before them and without the legal form."""
    found: dict[str, None] = {}
    for name in names:
        whole = plain(name)
        short = _COMPANY_END.sub("", _SPEECH.sub("", whole))
        if len(short) < _TOO_SHORT or short in _KINDS or _NOBODY.search(whole) or _NO_PARTY.search(short):
            continue
        found[short] = None
    return tuple(found)


def telling(text: str) -> tuple[tuple[int, float], ...]:
    """The most telling pieces of a `plain` text: (hash, weight), the weights of length one together."""
    counted = Counter(pairs(text))
    weighted = {gram: (1 + math.log(number)) * rarity(gram) ** 2 for gram, number in counted.items()}
    most = sorted(weighted.items(), key=lambda one: (-one[1], one[0]))[:MOST_GRAMS]
    length = math.sqrt(sum(weight * weight for _, weight in most))
    return tuple(sorted((zlib.crc32(gram.encode()), round(weight / length, 4)) for gram, weight in most))


def pairs(text: str) -> Iterator[str]:
    """Every two characters that stand next to each other."""
    return (text[at : at + 2] for at in range(len(text) - 1))


def rarity(gram: str) -> float:
    """How telling a piece is: the logarithm of one in how many texts of the corpus has it."""
    return -math.log(shares().get(gram, _unseen()))


@cache
def shares() -> Mapping[str, float]:
    """Piece → share of the corpus's texts that have it, for the commonest ones."""
    rows = (line.split(" ") for line in SHARES_FILE.read_text(encoding="utf-8").splitlines())
    return {gram: float(share) for gram, share in rows}


@cache
def _unseen() -> float:
    return min(shares().values()) / 2


def marks_of(text: str) -> tuple[int, ...]:
    """Hashes by which texts of much the same wording find each other, as signed 64-bit numbers; none for a very short text."""
    runs = _hashes([text[at : at + 4] for at in range(len(text) - 3)])
    if not len(runs):
        return ()
    found = [int(_mixed(runs ^ seed).min()) for seed in _SEEDS]
    rare = _hashes(
        [
            text[at : at + 3]
            for at in range(len(text) - 2)
            if text[at : at + 2] not in shares() and text[at + 1 : at + 3] not in shares()
        ]
    )
    if len(rare):
        found += [int(one) for one in np.sort(np.unique(_mixed(rare)))[:RARE_MARKS]]
    return tuple(one - 2**63 for one in dict.fromkeys(found))


def _hashes(runs: list[str]) -> Hashes:
    return np.fromiter((zlib.crc32(run.encode()) for run in runs), dtype=np.uint64, count=len(runs))


def _mixed(hashes: Hashes) -> Hashes:
    """Bits spread over all 64 (the end of splitmix64), so that minima are drawn evenly."""
    mixed = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def count_shares(texts: Iterable[str]) -> str:
    """The contents of the shares file for a corpus."""
    counted: Counter[str] = Counter()
    number = 0
    for text in texts:
        number += 1
        counted.update(set(pairs(plain(text))))
    most = sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:MOST_SHARES]
    return "".join(f"{gram} {times / number:.5f}\n" for gram, times in most)


def main() -> None:
    SHARES_FILE.write_text(count_shares(example.text for example in load_corpus()), encoding="utf-8")


if __name__ == "__main__":
    main()
