"""How well and how fast the same trouble told twice is recognised (`router.sameness`), and how its numbers were found.

`python -m bench.sameness` measures; `python -m bench.sameness fit` prints the weights that fit the development halves of the
sets: groups made of our own corpus with hard negatives, and pairs of real letters judged by hand where `../shared/data` is
there.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import math
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from bench import sameness_growth
from domain.category import Category, CategoryTree
from domain.complaint import Complaint, Place, Point
from domain.incident import Signature
from domain.understanding import Evidence
from domain.worktime import LOCAL
from intake_bot.engines import build_engine
from intake_bot.settings import load_deployment
from nlu.categories import load_categories
from nlu.corpus.compose import Composer, Material, read_material
from nlu.embedded.engine import EmbeddedEngine
from nlu.signatures import plain, signature
from router.sameness import WEIGHTS, WINDOW, asked_keys, compare, features, keys, pinned, similarity

ROOT = Path(__file__).resolve().parents[1]
LETTERS = ROOT / "../shared/data/messages_unlabelled.csv"
JUDGEMENTS = ROOT / "tests/router/sameness_judgements.csv"
MOST_IN_BLOCK = 40
PROPOSE, JOIN = 0.4, 0.95
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAYS = 90
STYLES = ("short", "operator", "polite", "angry", "titled", "official", "spoken")
AGAINST = frozenset({"place_road_only", "place_differs", "far", "gap"})
EXACT_WEIGHT, REAL_WEIGHT, UNLIKE_WEIGHT, PULL = 10.0, 25.0, 0.5, 0.1
UNLIKE = 0.06
"""Letters that meet in a block and share so little of their text are taken for different troubles when fitting."""


@dataclass(frozen=True, slots=True)
class Told:
    """A made complaint: `group` says which event it tells of."""

    group: str
    complaint: Complaint
    cell: str


class EventComposer(Composer):
    """Tells one event: always the same place and the same name."""

    def __init__(self, material: Material, leaf: Category, others: Sequence[Category], place: str, name: str) -> None:
        super().__init__(material, leaf, others)
        self.material, self.clauses = material, material.leaves[leaf.code]
        self.place, self.name = place, name

    def _place(self, rng: random.Random) -> str:
        road = self.place.rstrip("0123456789号幢")
        told = rng.choice((self.place, self.place, self.place, road))
        return f"凤凰镇{told}" if rng.random() < 0.3 else told

    def _site(self, rng: random.Random) -> str:
        return self._place(rng)

    def _names(self, text: str, rng: random.Random) -> str:
        return super()._names(text.replace("<名>", self.name), rng)

    def tell(self, core: str, rng: random.Random) -> str:
        style = rng.choice(STYLES)
        return self._one("complaint", style, "what", core, rng)


def made(seed: int, events: int) -> list[Told]:
    """Groups of complaints about one event each, with hard negatives: the same street at another number, the same shop with
    another trouble, the same words about another place."""
    rng = random.Random(f"sameness {seed}")
    material, leaves = read_material(), list(load_categories().leaves.values())
    own = [
        leaf
        for leaf in leaves
        if leaf.unit and not material.leaves[leaf.code].get("flags") and "what" in material.leaves[leaf.code]
    ]
    return [told for number in range(events) for told in _event(number, material, leaves, own, rng)]


def _event(
    number: int, material: Material, leaves: Sequence[Category], own: Sequence[Category], rng: random.Random
) -> list[Told]:
    """One event as several tell it, and what is like it without being it."""
    leaf = rng.choice(own)
    other = rng.choice([one for one in own if one.group != leaf.group])
    at = START + timedelta(hours=rng.uniform(0, DAYS * 24))
    road, name, house = _road(material, rng), _name(rng), rng.randint(1, 299)
    clause, second = rng.sample(list(material.leaves[leaf.code]["what"]), 2)
    point = Point(120.6 + rng.random() / 20, 31.75 + rng.random() / 20)
    place = f"{road}{house}{_unit(road)}"

    def told(kind: str, leaf: Category, place: str, name: str, core: str, later: float, where: Point) -> Told:
        text = EventComposer(material, leaf, leaves, place, name).tell(core, rng)
        return _told(f"{number}{kind}", text, place, name, at + timedelta(hours=later), where, rng)

    found = [
        told("", leaf, place, name, rng.choice((clause, clause, second)), rng.expovariate(1 / 48), point)
        for _ in range(rng.choice((2, 2, 3, 3, 4, 6)))
    ]
    naming = [one for one in found if road in one.complaint.content]
    if rng.random() < 0.5:
        door, shop = f"{road}{house + rng.randint(2, 60)}{_unit(road)}", _name(rng)
        beside = told("next", leaf, door, shop, rng.choice((clause, second)), rng.uniform(0, 96), _moved(point, 300))
        addressed = replace(beside.complaint.place, address=f"凤凰镇{door}")
        found.append(replace(beside, complaint=replace(beside.complaint, place=addressed, party=shop)))
    matter = rng.choice(material.leaves[other.code]["what"])
    found.append(told("other", other, place, name, matter, rng.uniform(0, 96), point))
    if naming:
        elsewhere = f"{_road(material, rng)}{rng.randint(1, 299)}号"
        words = _about(rng.choice(naming).complaint.content, place, road, elsewhere).replace(name, _name(rng))
        when, where = at + timedelta(hours=rng.uniform(0, 96)), _moved(point, 3000)
        found.append(_told(f"{number}copied", words, elsewhere, "", when, where, rng))
    return found


def _about(text: str, place: str, road: str, elsewhere: str) -> str:
    """The same words about another place."""
    return text.replace(place, elsewhere).replace(road, elsewhere.rstrip("0123456789号"))


def _told(group: str, text: str, place: str, name: str, at: datetime, point: Point, rng: random.Random) -> Told:
    complaint = Complaint(
        *("12345", f"S{rng.getrandbits(40)}", at, at, text),
        place=Place(
            address=f"凤凰镇{place}" if rng.random() < 0.5 else "",
            point=_moved(point, 40) if rng.random() < 0.3 else None,
        ),
        party=name if rng.random() < 0.25 else "",
    )
    cell = f"cg-{sum(map(ord, place[:2])) % 20}" if rng.random() < 0.85 else ""
    return Told(group, complaint, cell)


def _moved(point: Point, metres: float) -> Point:
    return Point(point.longitude + metres / 95_000, point.latitude)


def _road(material: Material, rng: random.Random) -> str:
    """A road of the material, or an invented one: a town has more roads than the corpus names."""
    known = [*material.places["roads"], *material.places["estates"]]
    made_up = "".join(rng.sample("青枫柳泾朝晖望江锦绣学府永联塘桥兴隆善港", 2)) + rng.choice(
        ("路", "街", "花园", "小区")
    )
    return rng.choice((rng.choice(known), made_up))


def _unit(road: str) -> str:
    return "幢" if road.endswith(("园", "区", "苑", "村")) else "号"


def _name(rng: random.Random) -> str:
    return "".join(rng.sample("鑫源宏达顺发金茂百旺恒丰利民华盛永兴天诚佳禾福临荣昌老街坊小厨味香", 2))


@cache
def engine_and_tree() -> tuple[EmbeddedEngine, CategoryTree]:
    tree = load_categories()
    return build_engine(load_deployment(ROOT / "config.yml", tree), tree), tree


def signed(complaints: Sequence[Complaint], cells: Sequence[str], reporters: Sequence[str] = ()) -> list[Signature]:
    """What the service would compare of these complaints."""
    engine, tree = engine_and_tree()
    texts = [(one.text, Evidence(address=one.place.address)) for one in complaints]
    understood = asyncio.run(engine.understand(texts))
    return [
        signature(one, model, tree.get(model.category.code), cell=cell)
        for one, model, cell in zip(complaints, understood, cells, strict=True)
    ]


Pair = tuple[Signature, Signature, bool]


def paired(
    signatures: Sequence[Signature], groups: Sequence[str]
) -> tuple[list[Pair], int, int, list[list[tuple[int, bool]]]]:
    """The pairs that blocking finds, how many true pairs it does not find of how many, and by ticket with an earlier member of
    its group its pairs (index into the first) with their truth."""
    blocks: dict[int, list[int]] = defaultdict(list)
    pairs: list[Pair] = []
    lost = true = 0
    by_ticket: list[list[tuple[int, bool]]] = []
    order = sorted(range(len(signatures)), key=lambda one: signatures[one].at)
    for place, later in enumerate(order):
        met = {one for key in asked_keys(signatures[later]) for one in blocks[key][-MOST_IN_BLOCK:]}
        earlier_of_group = {
            one
            for one in order[:place]
            if groups[one] == groups[later] and signatures[later].at - signatures[one].at <= WINDOW
        }
        true += len(earlier_of_group)
        lost += len(earlier_of_group - met)
        mine = []
        for one in sorted(met):
            if signatures[later].at - signatures[one].at <= WINDOW:
                mine.append((len(pairs), groups[one] == groups[later]))
                pairs.append((signatures[later], signatures[one], groups[one] == groups[later]))
        if earlier_of_group:
            by_ticket.append(mine)
        for key in keys(signatures[later]):
            blocks[key].append(later)
    return pairs, lost, true, by_ticket


def made_pairs(seed: int, events: int) -> tuple[list[Pair], int, int, list[list[tuple[int, bool]]]]:
    told = made(seed, events)
    return paired(signed([one.complaint for one in told], [one.cell for one in told]), [one.group for one in told])


@dataclass(frozen=True, slots=True)
class Letters:
    """Real letters: pairs judged by hand, those that only blocking finds, and the pairs of equal text within the window."""

    judged: list[Pair]
    found: list[bool]
    equal: list[Pair]
    unlike: list[Pair]


def letters(half: int) -> Letters | None:
    """The half (0: development, 1: test) of the judged pairs, by the earlier one's row number; None without the data."""
    if not LETTERS.exists():
        return None
    signatures, contents = _letters()
    with JUDGEMENTS.open(encoding="utf-8") as file:
        rows = [(int(row["later"]) - 1, int(row["earlier"]) - 1, row["same"] == "1") for row in csv.DictReader(file)]
    rows = [row for row in rows if row[1] % 2 == half]
    judged = [(signatures[later], signatures[earlier], same) for later, earlier, same in rows]
    found = [bool(set(asked_keys(one)) & set(keys(other))) for one, other, _ in judged]
    equal: list[Pair] = []
    by_text: dict[str, list[int]] = defaultdict(list)
    for index, content in enumerate(contents):
        if index % 2 == half:
            by_text[content].append(index)
    for group in by_text.values():
        for one, other in itertools.pairwise(group):
            if abs(signatures[one].at - signatures[other].at) <= WINDOW:
                equal.append((signatures[one], signatures[other], True))
    mine = [one for index, one in enumerate(signatures) if index % 2 == half]
    met = paired(mine, [""] * len(mine))[0]
    unlike = [(one, other, False) for one, other, _ in met if similarity(one, other) < UNLIKE]
    return Letters(judged, found, equal, unlike)


@cache
def _letters() -> tuple[list[Signature], list[str]]:
    with LETTERS.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    complaints = []
    for row in rows:
        at = _moment(row["time"])
        complaints.append(Complaint("12345", row["id"], at, at, row["content"].strip(), title=row["title"]))
    return signed(complaints, [""] * len(rows)), [plain(row["content"]) for row in rows]


def _moment(written: str) -> datetime:
    for form in ("%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"):
        try:
            return datetime.strptime(written, form).replace(tzinfo=LOCAL)
        except ValueError:
            continue
    raise ValueError(written)


def fit() -> None:
    """Print the weights that fit the development halves: logistic regression whose signs are held to what they mean."""
    names = [name for name in WEIGHTS if name != "always"]
    pairs, *_ = made_pairs(1, 400)
    weighted = [(pair, 1.0) for pair in pairs]
    real = letters(0)
    if real is not None:
        weighted += [(pair, REAL_WEIGHT) for pair in real.judged] + [(pair, EXACT_WEIGHT) for pair in real.equal]
        weighted += [(pair, UNLIKE_WEIGHT) for pair in real.unlike]
    seen = np.array(
        [[1.0, *(features(one, other).get(name, 0.0) for name in names)] for (one, other, _), _ in weighted]
    )
    truth = np.array([1.0 if same else -1.0 for (_, _, same), _ in weighted])
    heavy = np.array([weight for _, weight in weighted])

    def loss(guess: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float((heavy * np.logaddexp(0, -truth * (seen @ guess))).sum() + PULL * (guess[1:] ** 2).sum())

    bounds = [(None, None), *((None, 0) if name in AGAINST else (0, None) for name in names)]
    found = minimize(loss, np.zeros(len(bounds)), bounds=bounds, method="L-BFGS-B")
    print("WEIGHTS: dict[str, float] = {")
    for name, value in zip(("always", *names), found.x, strict=True):
        print(f'    "{name}": {value:.2f},')
    print("}")


def counted(pairs: Iterable[Pair], least: float) -> tuple[int, int, int]:
    """True ones found, false ones found, true ones there are."""
    right = wrong = there = 0
    for one, other, same in pairs:
        there += same
        if found_at(one, other, least):
            right, wrong = right + same, wrong + (not same)
    return right, wrong, there


def found_at(later: Signature, earlier: Signature, least: float) -> bool:
    """Whether the service would propose, or at the threshold for joining join, the two."""
    return compare(later, earlier).chance >= least and (least < JOIN or pinned(later, earlier))


def report(name: str, pairs: Sequence[Pair], lost: int = 0) -> None:
    for word, least in (("propose", PROPOSE), ("join", JOIN)):
        right, wrong, there = counted(pairs, least)
        precision = right / (right + wrong) if right + wrong else math.nan
        print(
            f"{name:<30} {word:<8} >= {least}: precision {precision:.4f} ({wrong} wrong of {right + wrong}), "
            f"recall {right / (there + lost):.3f} ({right} of {there + lost})"
        )


def measure(seed: int = 4, events: int = 400) -> None:
    pairs, lost, true, by_ticket = made_pairs(seed, events)
    print(f"made set: {len(pairs)} pairs met, {true} true, {lost} of them never met ({1 - lost / true:.3f} met)")
    report("made, test, pairs", pairs, lost)
    for least in (PROPOSE, JOIN):
        hit = sum(any(same and found_at(*pairs[at][:2], least) for at, same in mine) for mine in by_ticket)
        print(f"made, test: tickets with an earlier one of their group found at {least}: {hit / len(by_ticket):.3f}")
    for half, name in ((0, "development"), (1, "test")):
        real = letters(half)
        if real is None:
            print("real letters: not measured, ../shared/data is not there")
            return
        met = [pair for pair, found in zip(real.judged, real.found, strict=True) if found]
        lost = sum(same for (_, _, same), found in zip(real.judged, real.found, strict=True) if not found)
        report(f"letters judged, {name}", met, lost)
        report(f"letters of equal text, {name}", real.equal)


def run() -> None:
    measure()
    sameness_growth.run()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fit"]:
            fit()
        case ["growth", *kinds]:
            sameness_growth.run(*kinds)
        case _:
            run()
