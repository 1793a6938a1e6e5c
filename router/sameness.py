"""Is a complaint about the same trouble as an earlier one? A chance, with what speaks for and against it in words.

Pure: two signatures in, `Sameness` out; and the keys by which candidates are found without comparing everything. The numbers
were fitted by `python -m bench.sameness fit` and are explained in `docs/sameness.md`. Not: joining (`domain.handling.joining`).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.incident import Reason, Sameness, Signature

WINDOW = timedelta(days=30)
"""A complaint about something that long ago is a new trouble, however alike."""

WEEK = timedelta(days=7)

TOLD_AGAIN_WITHIN = timedelta(days=7)
"""Who tells of the same matter again so soon asks about the same trouble, in whatever words."""

WEIGHTS: dict[str, float] = {
    "always": -5.45,
    "place_number": 1.50,
    "place_same": 4.55,
    "place_road": 0.00,
    "place_road_only": -5.92,
    "place_differs": -2.39,
    "cell_same": 1.00,
    "near": 0.80,
    "far": -4.84,
    "party_same": 0.19,
    "text_here": 6.20,
    "text_alone": 2.98,
    "text_elsewhere": 0.92,
    "category_same": 4.38,
    "category_sibling": 0.63,
    "gap": -0.80,
}
"""Log-odds that each feature (0 to 1) adds. Read them as: what the feature is worth when all of it is there."""

MUCH = 0.4
"""Where no place is known, texts that share less than this say nothing."""

SAME_WORDING = 0.9
"""Similarity from which two texts count as one text sent twice."""

SHORTEST_NAME = 2
"""What is left of a place's name must have so many characters to stand for the whole of it."""

NEAR_METRES = 150.0
FAR_METRES = 800.0
_EARTH_METRES = 6_371_000.0
_NUMBERED = re.compile(r"^(?P<name>.*?)(?P<number>\d+(?:号|弄|幢|栋|组|号楼|号门牌)?)$")
_AGAINST_SHOWN = -0.3
_WHERE = ("here", "alone", "elsewhere")
_LEVELS = ("place_differs", "place_road_only", "place_road", "place_same", "place_number")
"""Another place; the same road or estate at another number; one of them without a number; the same name without a number; the
same, number and all."""


def features(one: Signature, other: Signature) -> dict[str, float]:
    """What is compared, each between 0 and 1; features that are 0 are left out. Symmetric in its arguments.

    The same words weigh differently at the same place, where no place is known, and about another place: people take their
    sentences from each other, and from a template.
    """
    found = _place(one, other)
    if _shared_party(one, other):
        found["party_same"] = 1.0
    alike = similarity(one, other)
    where = "elsewhere" if _elsewhere(found) else "here" if _agree(found) else "alone"
    found[f"text_{where}"] = max(0.0, alike - MUCH) / (1 - MUCH) if where == "alone" else alike
    if one.category == other.category:
        found["category_same"] = 1.0
    elif one.group == other.group:
        found["category_sibling"] = 1.0
    found["gap"] = min(1.0, abs(one.at - other.at) / WINDOW)
    return {name: value for name, value in found.items() if value}


def pinned(later: Signature, earlier: Signature) -> bool:
    """Whether more than likeness speaks for it, as joining by rule asks: the very place, or the party at a place that fits, or
    the same wording where nothing says that it is elsewhere; and no other trouble."""
    found = features(later, earlier)
    if "category_same" not in found and "category_sibling" not in found:
        return False
    if "far" in found or (("place_differs" in found or "place_road_only" in found) and "near" not in found):
        return False
    where = "place_number" in found or "near" in found
    party = "party_same" in found and ("place_same" in found or "place_road" in found)
    return where or party or similarity(later, earlier) >= SAME_WORDING


def told_again(later: Signature, earlier: Signature) -> bool:
    """重复诉求: the same reporter about the same matter within days, whether the words are alike or not."""
    same = bool(later.reporter) and (later.reporter, later.category) == (earlier.reporter, earlier.category)
    return same and abs(later.at - earlier.at) <= TOLD_AGAIN_WITHIN


def _agree(found: dict[str, float]) -> bool:
    return any(name in found for name in ("place_number", "place_same", "place_road", "near", "party_same"))


def _elsewhere(found: dict[str, float]) -> bool:
    return "far" in found or (
        ("place_differs" in found or "place_road_only" in found) and not ("near" in found or "party_same" in found)
    )


def similarity(one: Signature, other: Signature) -> float:
    """How much of their telling pieces two texts share: the cosine, between 0 and 1."""
    shorter, longer = sorted((one.grams, other.grams), key=len)
    weights = dict(longer)
    return min(1.0, sum(weight * weights.get(gram, 0.0) for gram, weight in shorter))


def compare(later: Signature, earlier: Signature) -> Sameness:
    """The chance that two complaints are about the same trouble, and why."""
    found = features(later, earlier)
    odds = WEIGHTS["always"] + sum(WEIGHTS[name] * value for name, value in found.items())
    chance = 0.0 if abs(later.at - earlier.at) > WINDOW else 1 / (1 + math.exp(-odds))
    same_reporter = bool(later.reporter) and later.reporter == earlier.reporter
    return Sameness(round(chance, 4), tuple(_reasons(found, later, earlier)), same_reporter)


def _place(one: Signature, other: Signature) -> dict[str, float]:
    found: dict[str, float] = {}
    if one.places and other.places:
        found[_LEVELS[_agreement(one.places, other.places)]] = 1.0
    if one.cell and one.cell == other.cell:
        found["cell_same"] = 1.0
    if one.point is not None and other.point is not None:
        metres = _metres(one, other)
        if metres <= NEAR_METRES:
            found["near"] = 1.0
        elif metres >= FAR_METRES:
            found["far"] = 1.0
    return found


def _agreement(places: Sequence[str], others: Sequence[str]) -> int:
    """Index into `_LEVELS`: what the places at their best have in common. Places with a house number speak first: where both
    texts have such and none of them agree, a word that both hold besides is no place."""
    numbered = [place for place in places if _parts(place)[1]]
    other_numbered = [place for place in others if _parts(place)[1]]
    if numbered and other_numbered:
        return max(_place_level(mine, theirs) for mine in numbered for theirs in other_numbered)
    return max(_place_level(mine, theirs) for mine in places for theirs in others)


def _place_level(mine: str, theirs: str) -> int:
    """Index into `_LEVELS` of two place words. The finder of places may have cut the beginning of a name off."""
    name, number = _parts(mine)
    other_name, other_number = _parts(theirs)
    shorter, longer = sorted((name, other_name), key=len)
    if name == other_name or (len(shorter) >= SHORTEST_NAME and longer.endswith(shorter)):
        if number == other_number:
            return 4 if number else 3
        return 1 if number and other_number else 2
    if len(shorter) > SHORTEST_NAME and shorter in longer:
        return 1 if number and other_number and number != other_number else 2
    return 0


def _parts(place: str) -> tuple[str, str]:
    """The name and the house number of a place word; the number is empty where there is none."""
    found = _NUMBERED.match(place)
    return (found["name"], found["number"].rstrip("号弄幢栋组楼")) if found and found["name"] else (place, "")


def _shared_party(one: Signature, other: Signature) -> str:
    """The name that both complain about; one may be the shorter form of the other."""
    for mine in one.parties:
        for theirs in other.parties:
            if mine in theirs or theirs in mine:
                return min(mine, theirs, key=len)
    return ""


def _metres(one: Signature, other: Signature) -> float:
    """Between the two points, on a flat piece of the globe; exact enough for a town."""
    assert one.point is not None
    assert other.point is not None
    north = math.radians(one.point.latitude - other.point.latitude)
    middle = math.radians((one.point.latitude + other.point.latitude) / 2)
    east = math.radians(one.point.longitude - other.point.longitude) * math.cos(middle)
    return _EARTH_METRES * math.hypot(north, east)


def _reasons(found: dict[str, float], later: Signature, earlier: Signature) -> list[Reason]:
    """What was found in words, the strongest first; what counts together is said once."""
    said: list[Reason] = []

    def say(text: str, *names: str) -> None:
        weight = sum(WEIGHTS[name] * found.get(name, 0.0) for name in names)
        if any(name in found for name in names) and (weight > 0 or weight < _AGAINST_SHOWN):
            said.append(Reason(text, round(weight, 2)))

    place = _common_place(later, earlier)
    say(f"地点相同：{place}", "place_same", "place_number")
    say(f"地点相近：{place}", "place_road")
    say(f"同一路段，门牌不同：{place}", "place_road_only")
    say("地点不同", "place_differs")
    say("在同一管理小组辖区", "cell_same")
    say("定位点相距不到 150 米", "near")
    say("定位点相距 800 米以上", "far")
    say(f"被反映对象相同：{_shared_party(later, earlier)}", "party_same")
    say("事项相同", "category_same")
    say("事项同属一类", "category_sibling")
    alike = similarity(later, earlier)
    words = "几乎一样" if alike > 0.8 else "很接近" if alike > 0.5 else "有相近之处" if alike > 0.2 else "少有相同"
    say(f"文字{words}", *(f"text_{where}" for where in _WHERE))
    said.sort(key=lambda reason: -abs(reason.weight))
    said.append(Reason(f"相隔{_gap(abs(later.at - earlier.at))}", round(WEIGHTS["gap"] * found.get("gap", 0.0), 2)))
    return said


def _common_place(one: Signature, other: Signature) -> str:
    pairs = [(mine, theirs) for mine in one.places for theirs in other.places]
    if not pairs:
        return ""
    mine, theirs = max(pairs, key=lambda pair: (_place_level(*pair), min(len(pair[0]), len(pair[1]))))
    return min(mine, theirs, key=len) if _place_level(mine, theirs) != 1 else _parts(mine)[0]


def _gap(gap: timedelta) -> str:
    minutes = int(gap.total_seconds() // 60)
    if minutes < 60:
        return f" {minutes} 分钟"
    return f" {minutes // 60} 小时" if minutes < 48 * 60 else f" {minutes // 1440} 天"


def keys(signature: Signature) -> tuple[int, ...]:
    """Where candidates are looked for: complaints that are the same trouble share one of these, as signed 64-bit numbers.

    A block is a piece of rare text, a party, a place, alone and
    with its group of matters, a cell with a group of matters in a week,
    or a reporter. About a dozen; each is found by index.
    """
    named: list[tuple[str, ...]] = [("party", party) for party in signature.parties]
    for name in dict.fromkeys(_parts(place)[0] for place in signature.places):
        named += [("place", name), ("place", name, signature.group)]
    if signature.reporter:
        named.append(("reporter", signature.reporter))
    if signature.cell:
        named.append(("cell", signature.cell, signature.group, _week(signature.at)))
    return tuple(dict.fromkeys((*signature.marks, *(_key(parts) for parts in named))))


def asked_keys(signature: Signature) -> tuple[int, ...]:
    """The keys under which earlier ones stand: those of the complaint itself, and its cell in the week before."""
    if not signature.cell:
        return keys(signature)
    before = ("cell", signature.cell, signature.group, _week(signature.at - WEEK))
    return (*keys(signature), _key(before))


def _week(at: datetime) -> str:
    return str(int(at.timestamp()) // int(WEEK.total_seconds()))


def _key(parts: Iterable[str]) -> int:
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
