"""What people have set right, as rows for the model to learn from. Not: learning (`nlu.training`)."""

from __future__ import annotations

from domain.category import CategoryTree
from nlu.training import Row
from storage.store import Store

CORRECTION_WEIGHT = 3.0
"""A text of the bureau's own, judged by its own people, counts as several of the corpus."""

LEAST_LIKELY = 0.05
"""A guess below this is none: that the unit is right does not make it so."""


async def corrected_rows(store: Store, tree: CategoryTree) -> list[Row]:
    """Texts that were classified anew, and texts that a unit returned as not its own: of these the category is the first that
    the model had thought of and that belongs to whoever has the matter now; where it had thought of none, there is nothing to
    learn."""
    rows = [Row(one.text, one.category, str(one.kind), CORRECTION_WEIGHT) for one in await store.corrections.rows()]
    for one in await store.corrections.returned():
        likely = [guess.code for guess in one.guesses if guess.confidence >= LEAST_LIKELY]
        leaf = tree.first_of(likely, one.unit, one.department)
        if leaf is not None and leaf.code != one.guesses[0].code:
            rows.append(Row(one.text, leaf.code, str(one.kind), CORRECTION_WEIGHT))
    return rows
