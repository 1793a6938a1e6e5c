"""Many phrases looked up in a text at once: at each position the longest phrase that begins there.

A position is asked for its first two characters; only where they begin a phrase is a longer string compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nlu.folding import fold_text


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of a list, found at characters `start` up to `end`. `sort` is the name of its list."""

    start: int
    end: int
    phrase: str
    sort: str


class Lexicon:
    """Phrases of two characters or more, each in one or more named lists."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]]) -> None:
        """`lists`: (name, phrases). Phrases are folded as texts are; shorter ones than two characters are passed over,
        and so are those that begin with a separator."""
        sorts_of: dict[str, list[str]] = {}
        for sort, phrases in lists:
            for phrase in phrases:
                folded = fold_text(phrase.strip())
                if len(folded) >= 2 and " " not in folded[:2]:
                    sorts = sorts_of.setdefault(folded, [])
                    if sort not in sorts:
                        sorts.append(sort)
        self._by_pair: dict[str, list[tuple[str, list[str]]]] = {}
        for phrase, sorts in sorted(sorts_of.items(), key=lambda item: -len(item[0])):
            self._by_pair.setdefault(phrase[:2], []).append((phrase, sorts))

    def find(self, folded: str) -> list[Hit]:
        """The hits in a text, by position. `folded`: as `nlu.folding.fold_text` gives it."""
        found: list[Hit] = []
        begins = self._by_pair.get
        for at, groups in enumerate([begins(folded[at : at + 2]) for at in range(len(folded) - 1)]):
            if groups is None:
                continue
            for phrase, sorts in groups:
                if folded.startswith(phrase, at):
                    found.extend([Hit(at, at + len(phrase), phrase, sort) for sort in sorts])
                    break
        return found
