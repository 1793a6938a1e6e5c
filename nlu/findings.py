"""Everything that is found in a text beside its category and kind: places, times, risks, parties, numbers.

One `Finder` serves both engines; it looks words up and matches patterns, it learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.complaint import Urgency
from domain.understanding import Evidence, Party, PersonalNumber, TimeSpan
from nlu import matters, parties, personal_numbers, places, risks, times
from nlu.folding import excerpt, fold_text
from nlu.lexicon import Lexicon

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
        found = []
        for whole, evidence in texts:
            text = excerpt(whole)
            found.append(self.find_in(whole, evidence, text, fold_text(text)))
        return found

    def find_in(self, whole: str, evidence: Evidence, text: str, folded: str) -> Findings:
        """Findings of one text of which `text` is the part that is read and `folded` what `fold_text` makes of it."""
        hits = self._lexicon.find(folded)
        address = evidence.address[:ADDRESS_CHARACTERS]
        flags, urgency = risks.judge(folded, hits)
        return Findings(
            urgency=urgency,
            places=places.spans(text, folded, hits, address, self._lexicon.find(fold_text(address)) if address else ()),
            risks=flags,
            times=times.spans(text, hits, evidence.received_at),
            parties=parties.find(text, folded),
            personal_numbers=personal_numbers.find(whole, folded),
            parts=tuple(matters.parts(text, hits)),
        )
