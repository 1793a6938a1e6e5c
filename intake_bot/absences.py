"""What this process knows of absences, read anew from time to time so that routing need not ask the database."""

from __future__ import annotations

from datetime import datetime

from domain.absence import NOBODY_AWAY, Absences, by_account
from storage.store import Store


class KnownAbsences:
    """The absences that were current when `refresh` was last called; `now_known` is what the router is given."""

    def __init__(self) -> None:
        self._absences = NOBODY_AWAY

    async def refresh(self, store: Store, now: datetime) -> None:
        """Read them anew. Raises StorageUnavailable or what the database says; then what was known stays."""
        self._absences = by_account(await store.absences.current(now))

    def now_known(self) -> Absences:
        return self._absences
