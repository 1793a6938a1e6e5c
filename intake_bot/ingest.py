"""Exported tables through the one path of intake, in batches. Not: how a table is read (`adapters.sheets`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from adapters.sheets import Sheet, SheetRow
from domain.people import Actor, Role
from intake_bot.house import House
from intake_bot.intake import take

BATCH = 200
"""Rows that share one call of the model and one commit."""


@dataclass(slots=True)
class Tally:
    """What became of the rows of a table."""

    accepted: int = 0
    duplicates: int = 0
    refused: list[SheetRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.accepted + self.duplicates + len(self.refused)


async def ingest(house: House, sheet: Sheet, progress: Callable[[int], None], actor: Actor | None = None) -> Tally:
    """Take a whole table in; `progress` hears how many more rows are done. What was taken before a failure stays taken,
    and is a duplicate when the file is fed again. `actor`: who does it; without one the sheet's own kind is named."""
    actor = actor or Actor(f"sheet:{sheet.settings.code}", Role.CHANNEL)
    tally = Tally()
    batch: list[SheetRow] = []
    for row in sheet:
        batch.append(row)
        if len(batch) == BATCH:
            await _take(house, sheet, batch, tally, actor)
            progress(len(batch))
            batch = []
    if batch:
        await _take(house, sheet, batch, tally, actor)
        progress(len(batch))
    return tally


async def _take(house: House, sheet: Sheet, rows: Sequence[SheetRow], tally: Tally, actor: Actor) -> None:
    tally.refused += [row for row in rows if row.complaint is None]
    complaints = [row.complaint for row in rows if row.complaint is not None]
    receipts = await take(house, complaints, actor, house.now(), channel=sheet.settings.channel)
    duplicates = sum(receipt.duplicate for receipt in receipts)
    tally.duplicates += duplicates
    tally.accepted += len(receipts) - duplicates
