"""Composes the `composed_*.yml` files from the material: `python -m nlu.corpus.compose`. The same material and seed give the same files.

The facts of a matter come from its own clauses; the frames around them are shared by all matters, so that they tell nothing
about the category. Near-duplicates within a category are left out.
"""  # noqa: E501

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from domain.category import Category
from domain.complaint import Kind
from nlu.categories import load_categories
from nlu.corpus import CORPUS_FOLDER, load_corpus
from nlu.corpus.perturb import Wording, perturb, tidy

SEED = "凤凰镇"
NEAR = 0.75
"""Texts of one category whose sets of character trigrams overlap by so much (Jaccard) count as one."""

BRANCH_FILES = {"C": "city", "E": "enterprise", "J": "construction", "S": "conduct", "X": "outside"}

# How many texts of each style a leaf gets, by kind.
_PLAN: Mapping[Kind, Mapping[str, int]] = {
    Kind.COMPLAINT: {
        "short": 4, "operator": 3, "angry": 1, "polite": 2, "titled": 3, "quoted": 1, "several": 1, "official": 2, "spoken": 1,
        "letter": 2,
    },
    Kind.REPORT: {"short": 2, "operator": 2, "plain": 2, "spoken": 1, "letter": 1},
    Kind.CONSULTATION: {"short": 3, "operator": 1, "plain": 3, "spoken": 1, "letter": 1},
    Kind.SUGGESTION: {"short": 2, "operator": 1, "plain": 3, "spoken": 1, "letter": 1},
    Kind.HELP: {"short": 2, "operator": 1, "plain": 2, "spoken": 1, "letter": 1},
}  # fmt: skip
_CORE = {
    Kind.COMPLAINT: "what", Kind.REPORT: "deed", Kind.CONSULTATION: "ask", Kind.SUGGESTION: "idea", Kind.HELP: "help",
}  # fmt: skip
_PER_CORE = 4  # one clause carries at most so many texts of its kind
# Matters that most tickets are about get more complaints.
_COMMON = frozenset(
    {
        "C0101", "C0102", "C0201", "C0401", "C0402", "C0701", "C0702", "C0705", "E0101", "E0202", "E0502", "E0507", "E0601",
        "J0101", "J0301", "J0302", "J0402", "J0403", "J0405", "J0501", "J0506", "X0101", "X0204", "X0503", "X0507",
    }
)  # fmt: skip
_ASKS_FOR_HELP = re.compile("请|帮|求|怎么办|快来|找谁|哪个部门|想办法|想想|指点|联系|拜托|来人|伸手")
_MORE = "\0"  # where a letter is drawn out
LETTER_LENGTH = 300
"""Letters have at least about so many characters."""
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Material:
    """What `material/` holds: clauses by leaf, the shared frames, names of places, and word tables."""

    leaves: Mapping[str, Mapping[str, Sequence[str]]]
    frames: Mapping[str, Any]
    places: Mapping[str, Sequence[str]]
    wording: Wording


def read_material(folder: Path = CORPUS_FOLDER / "material") -> Material:
    """Reads the folder; raises `KeyError` or `TypeError` where a file is not of the expected form."""

    def read(name: str) -> Any:
        return yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))

    leaves: dict[str, Mapping[str, Sequence[str]]] = {}
    for name in BRANCH_FILES.values():
        leaves.update(read(name))
    return Material(leaves, read("frames"), read("places"), Wording(**read("wording")))


def trigrams(text: str) -> frozenset[str]:
    """The set of character trigrams, punctuation and spaces left out."""
    bare = re.sub(r"\W+", "", text)
    return frozenset(bare[at : at + 3] for at in range(max(1, len(bare) - 2)))


@dataclass(slots=True)
class Sieve:
    """Refuses what is nearly the same as a text already taken."""

    taken: list[frozenset[str]] = field(default_factory=list)

    def takes(self, text: str) -> bool:
        grams = trigrams(text)
        for other in self.taken:
            small, large = sorted((len(grams), len(other)))
            if small >= NEAR * large:
                shared = len(grams & other)
                if shared >= NEAR * (small + large - shared):
                    return False
        self.taken.append(grams)
        return True


class Composer:
    """Composes the texts of one leaf."""

    def __init__(self, material: Material, leaf: Category, others: Sequence[Category]) -> None:
        self._material = material
        self._leaf = leaf
        self._clauses = material.leaves[leaf.code]
        self._others = others
        flags = self._clauses.get("flags", ())
        self._placeless = "placeless" in flags
        self._praise = "praise" in flags
        self._clause = ""  # what the text being composed is about
        self._introduced = False

    def texts(self, sieve: Sieve) -> Iterator[tuple[Kind, str]]:
        """(kind, text), those that `sieve` takes."""
        for kind, styles in _PLAN.items():
            if self._praise and kind is Kind.SUGGESTION:
                yield from self._of_kind(
                    kind, "praise", "what", {"short": 6, "operator": 4, "plain": 8, "spoken": 2, "letter": 3}, sieve
                )
                continue
            core = _CORE[kind]
            if core in self._clauses and not (self._praise and kind is Kind.COMPLAINT):
                plan = {style: number for style, number in styles.items() if style != "official" or not self._placeless}
                if kind is Kind.COMPLAINT and self._leaf.code in _COMMON:
                    plan = {style: number * 2 for style, number in plan.items()}
                yield from self._of_kind(kind, kind.value, core, plan, sieve)

    def _of_kind(
        self, kind: Kind, section: str, core: str, plan: Mapping[str, int], sieve: Sieve
    ) -> Iterator[tuple[Kind, str]]:
        rng = random.Random(f"{SEED}{self._leaf.code}{section}")  # noqa: S311 (no secret)
        cores = list(self._clauses[core])
        rng.shuffle(cores)
        left = _PER_CORE * len(cores)
        turn = 0
        # Round after round, one text of each style, so that a small allowance is spent on all styles alike.
        for round_ in range(max(plan.values())):
            for style in (style for style, number in plan.items() if round_ < number):
                for _ in range(6):
                    if left == 0:
                        return
                    turn += 1
                    text = self._one(section, style, core, cores[turn % len(cores)], rng)
                    if sieve.takes(text):
                        left -= 1
                        yield kind, text
                        break

    def _one(self, section: str, style: str, core: str, clause: str, rng: random.Random) -> str:
        frames = [frame for frame in self._material.frames[section][style] if not (self._placeless and frame[0] == "@")]
        frame = rng.choice(frames).removeprefix("@")
        rest = [other for other in self._clauses[core] if other != clause]
        rng.shuffle(rest)
        chosen: dict[str, Iterator[str]] = {core: iter([clause, *rest, *self._fallback(core, rng)])}
        place = self._place(rng)
        alias = self._alias(clause, rng)
        # Where the frame has said already who speaks, the scene does not say it again.
        self._clause = clause
        self._introduced = style == "operator" or "{intro" in frame
        text = _SLOT.sub(lambda slot: self._fill(slot[1], chosen, place, alias, rng), frame)
        if section == Kind.HELP and not _ASKS_FOR_HELP.search(text):
            text = f"{text.rstrip('。')}，{rng.choice(self._material.frames['plea'])}"
        if style == "letter":
            text = text.replace(
                _MORE, self._more(section, core, chosen, LETTER_LENGTH - len(text) + rng.randint(0, 120), rng)
            )
        text = re.sub(f"{place}[，：这边附近那里]*<区>", "<区>", text)  # no two estates in a row
        return perturb(tidy(self._names(text, rng)), style, self._material.wording, rng)

    def _more(self, section: str, core: str, chosen: dict[str, Iterator[str]], wanted: int, rng: random.Random) -> str:
        """Sentences of at least `wanted` characters for a letter: small talk, and what the leaf still has to say.

        A letter asking for help has one trouble only.
        """
        talk = rng.sample(list(self._material.frames["more"][section]), len(self._material.frames["more"][section]))
        found: list[str] = []
        while wanted > 0 and talk:
            sentence = talk.pop()
            if section != Kind.HELP and (own := next(chosen[core], "")):
                sentence = f"{own}{'？' if core == 'ask' else '。'}{sentence}"
            found.append(f"{sentence}。")
            wanted -= len(found[-1])
        return "".join(found)

    def _fallback(self, core: str, rng: random.Random) -> list[str]:
        """For a frame that needs more clauses than the leaf has: generic lines that fit there."""
        return rng.sample(list(self._material.frames["fallback"][core]), 2)

    def _alias(self, clause: str, rng: random.Random) -> str:
        """What people call the matter: a name that fits the clause, where one shares two characters with it."""
        pairs = {clause[at : at + 2] for at in range(len(clause) - 1)}
        fitting = [
            alias for alias in self._leaf.aliases if any(alias[at : at + 2] in pairs for at in range(len(alias) - 1))
        ]
        if fitting:
            return rng.choice(fitting)
        return "这个情况" if self._leaf.name.startswith("其他") else self._leaf.name

    def _fill(self, slot: str, chosen: dict[str, Iterator[str]], place: str, alias: str, rng: random.Random) -> str:
        match slot:
            case "place":
                return place
            case "home":
                return self._home(rng)
            case "alias":
                return alias
            case "name":
                return self._leaf.name
            case "site":
                return self._site(rng)
            case "other":
                return self._other(rng)
            case "more":
                return _MORE
            case "other_alias":
                return rng.choice(self._others).name
            case "scene":
                return self._scene(self._take("what", chosen, rng), place, rng)
        base = slot.rstrip("123")
        if base in _CORE.values() or base in ("effect", "want"):
            return self._take(base, chosen, rng).removeprefix("请") if base == "want" else self._take(base, chosen, rng)
        known = self._material.frames[slot if slot in self._material.frames else base]
        return str(rng.choice(known)).replace("{place}", place).replace("{home}", self._home(rng))

    def _take(self, base: str, chosen: dict[str, Iterator[str]], rng: random.Random) -> str:
        if base not in chosen:
            # What fits the matter best comes first: consequences and demands that share characters with it.
            told = set(self._clause)
            own = sorted(self._clauses.get(base, ()), key=lambda one: 2 * rng.random() - len(told & set(one)))
            chosen[base] = iter([*own, *self._fallback(base, rng)])
        return next(chosen[base], "")

    def _scene(self, what: str, place: str, rng: random.Random) -> str:
        when = rng.choice(self._material.frames["time"]) if rng.random() < 0.35 else ""
        if not self._placeless:
            joiner = rng.choice(("", "", "，", "这边", "附近", "那里", "，"))
            return f"{place}{joiner}{when}{what}"
        draw = rng.random()
        if self._introduced or draw < 0.45:
            return f"{when}{what}"
        return rng.choice(
            (f"我是{place}的，{what}", f"本人住{place}，{when}{what}", f"{place}居民，{what}", f"我家在{place}，{what}")
        )

    def _place(self, rng: random.Random) -> str:
        places = self._material.places
        village, road, estate = (rng.choice(places[kind]) for kind in ("villages", "roads", "estates"))
        landmark = rng.choice(places["landmarks"])
        found = rng.choice(
            (
                village, f"{village}{rng.choice('一二三四五六七八九')}组", f"{road}{rng.randint(1, 299)}号", road, landmark,
                f"{village}{landmark}", estate, f"{estate}{rng.randint(1, 30)}幢", f"{road}{landmark}", f"{road}{estate}",
                f"{road}和{rng.choice(places['roads'])}路口",
            )
        )  # fmt: skip
        return f"凤凰镇{found}" if rng.random() < 0.2 else found

    def _home(self, rng: random.Random) -> str:
        """A place where people live."""
        village, estate = rng.choice(self._material.places["villages"]), rng.choice(self._material.places["estates"])
        return rng.choice(
            (village, f"{village}{rng.choice('一二三四五六七八九')}组", estate, f"{estate}{rng.randint(1, 30)}幢")
        )

    def _site(self, rng: random.Random) -> str:
        places = self._material.places
        road, side = rng.choice(places["roads"]), rng.choice(places["sides"])
        return rng.choice(
            (
                f"{road}与{rng.choice(places['roads'])}交叉口{side}", f"{road}{rng.randint(1, 299)}号门前", f"{road}{side}",
                f"{rng.choice(places['villages'])}{rng.choice('一二三四五六七八九')}组{side}",
                f"{rng.choice(places['estates'])}{rng.randint(1, 30)}号楼{side}",
            )
        )  # fmt: skip

    def _other(self, rng: random.Random) -> str:
        other = rng.choice([one for one in self._others if "what" in self._material.leaves[one.code]])
        return f"{rng.choice(self._material.places['villages'])}{rng.choice(self._material.leaves[other.code]['what'])}"

    def _names(self, text: str, rng: random.Random) -> str:
        places = self._material.places
        for mark, names in (("<名>", "names"), ("<人>", "persons"), ("<区>", "estates"), ("<村>", "villages")):
            if mark in text:
                text = text.replace(mark, rng.choice(places[names]))
        return text


def compose() -> dict[str, str]:
    """File name → contents, for each branch."""
    material = read_material()
    tree = load_categories()
    if gone := set(material.leaves) ^ set(tree.leaves):
        raise ValueError(f"素材与事项分类表不一致：{'、'.join(sorted(gone))}")
    sieves: dict[str, Sieve] = {}
    for name in BRANCH_FILES.values():  # the short texts written by hand come first; letters are like none of these
        for example in load_corpus(CORPUS_FOLDER, f"written_{name}.yml"):
            sieves.setdefault(example.category, Sieve()).takes(example.text)
    everything: set[str] = set()
    files = {}
    for letter, name in BRANCH_FILES.items():
        lines = ['version: "3.1"', "nlu:"]
        for leaf in sorted(tree.leaves.values(), key=lambda leaf: leaf.code):
            if leaf.code[0] != letter:
                continue
            # A second matter in one text comes from the same branch, so that the frame does not tell which branch it is.
            others = [one for one in tree.leaves.values() if one.code[0] == letter and one.code != leaf.code]
            composed = Composer(material, leaf, others).texts(sieves.setdefault(leaf.code, Sieve()))
            lines.extend(
                _entries(leaf.code, ((kind, text) for kind, text in composed if text not in everything), everything)
            )
        files[f"composed_{name}.yml"] = "\n".join(lines) + "\n"
    return files


def _entries(code: str, texts: Iterable[tuple[Kind, str]], everything: set[str]) -> Iterator[str]:
    """The YAML lines of one leaf. Written by hand, because a literal block needs no quoting and loads fast."""
    by_kind: dict[Kind, list[str]] = {}
    for kind, text in texts:
        everything.add(text)
        by_kind.setdefault(kind, []).append(text)
    for kind, found in by_kind.items():
        yield f"- intent: {code}"
        yield f"  metadata: {{kind: {kind.value}}}"
        yield "  examples: |"
        yield from (f"    - {text}" for text in found)


def main() -> None:
    for name, contents in compose().items():
        (CORPUS_FOLDER / name).write_text(contents, encoding="utf-8")


if __name__ == "__main__":
    main()
