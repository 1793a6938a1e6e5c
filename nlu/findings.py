"""Everything that is found in a text beside its category and kind: places, times, risks, parties, numbers.

One `Finder` serves both engines; it looks words up and matches patterns, it learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.complaint import Urgency
from domain.understanding import Evidence, Party, PersonalNumber, TimeSpan
from nlu import matters, parties, personal_numbers, places, risks, times
from nlu.embedded.segmentation import pairs_of
from nlu.folding import Points, excerpt, fold, unfolded
from nlu.lexicon import Hit, Lexicon

ADDRESS_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one text. `parts`: the passages of a text that counts up several matters, else empty."""

    urgency: Urgency
    places: tuple[str, ...]
    risks: tuple[str, ...]
    times: tuple[TimeSpan, ...]
    parties: tuple[Party, ...]
    personal_numbers: tuple[PersonalNumber, ...]
    parts: tuple[str, ...]


class Finder:
    """Looks for all of it in one pass over a lexicon, then asks each finder only where its words stand."""

    def __init__(self, place_words: Iterable[str]) -> None:
        """`place_words`: the words that the router can find a cell by."""
        self._lexicon = Lexicon(
            [
                *risks.lists(),
                (places.PLACE, place_words),
                (times.TIME, times.words()),
                (matters.MATTER, matters.words()),
            ]
        )

    def find(self, texts: Sequence[tuple[str, Evidence]]) -> list[Findings]:
        """Findings of each text, in order; of a long text its head and tail are read."""
        excerpts = [excerpt(text) for text, _ in texts]
        offsets = offsets_of(excerpts)
        return self.find_in(texts, excerpts, fold("\0".join(excerpts) + "\0"), offsets)

    def find_in(
        self, texts: Sequence[tuple[str, Evidence]], excerpts: Sequence[str], points: Points, offsets: Sequence[int]
    ) -> list[Findings]:
        """The same where the texts have been folded already: `points` of all of them, each followed by a separator,
        `offsets` where each begins and the end."""
        folded = unfolded(points)
        hits = self._lexicon.find(folded, pairs_of(points), offsets)
        addresses, address_hits = self._addresses([evidence.address for _, evidence in texts])
        found = []
        for at, (whole, evidence) in enumerate(texts):
            text = excerpts[at]
            plain = folded[offsets[at] : offsets[at + 1] - 1]
            flags, urgency = risks.judge(plain, hits[at])
            found.append(
                Findings(
                    urgency=urgency,
                    places=places.spans(text, plain, hits[at], addresses[at], address_hits[at]),
                    risks=flags,
                    times=times.spans(text, hits[at], evidence.received_at),
                    parties=parties.find(text, plain),
                    personal_numbers=personal_numbers.find(whole, plain),
                    parts=tuple(matters.parts(text, hits[at])),
                )
            )
        return found

    def _addresses(self, addresses: Sequence[str]) -> tuple[list[str], list[list[Hit]]]:
        cut = [address[:ADDRESS_CHARACTERS] for address in addresses]
        if not any(cut):
            return cut, [[] for _ in cut]
        points = fold("\0".join(cut) + "\0")
        return cut, self._lexicon.find(unfolded(points), pairs_of(points), offsets_of(cut))


def offsets_of(texts: Sequence[str]) -> list[int]:
    """Where each text begins in all of them joined with one separator after each, and the end."""
    offsets = [0]
    for text in texts:
        offsets.append(offsets[-1] + len(text) + 1)
    return offsets
