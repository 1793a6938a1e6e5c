"""The store as the rest of the house sees it: take, change, read. Composed of the writer and the queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.complaint import Reporter
from domain.outcome import Outcome
from domain.ticket import Ticket
from storage.absences import StoredAbsences
from storage.account_events import AccountEvents
from storage.accounts import Accounts
from storage.assessments import Assessments
from storage.attention import Attention
from storage.audit import Audit
from storage.chain import ChainReport, verify_chain
from storage.condition import Conditions
from storage.conversations import Conversations
from storage.corrections import Corrections
from storage.database import StorageUnavailable, open_engine
from storage.erasing import Erasing
from storage.fetches import Fetches
from storage.figures import Figures
from storage.incidents import Incidents
from storage.jobs import Jobs
from storage.keyring import Keyring
from storage.keys import Keys
from storage.lights import Lights
from storage.look_ups import LookUps
from storage.outbox import Outbox
from storage.parked import Parked
from storage.pictures import Pictures
from storage.queues import Queues
from storage.reconciliation import Reconciliation
from storage.remote_tokens import RemoteTokens
from storage.rows import reporter_key
from storage.sameness import SamenessIndex
from storage.sealing import keyring_of
from storage.search import Search
from storage.tasks import Tasks
from storage.tickets import Tickets
from storage.users import Users
from storage.webhooks import Webhooks
from storage.writer import (
    Again,
    Change,
    Climb,
    NonceSeen,
    Receipt,
    RequestKey,
    Take,
    TicketNotFound,
    VersionConflict,
    Writer,
)

__all__ = [
    "Climb",
    "NonceSeen",
    "Receipt",
    "RequestKey",
    "StorageUnavailable",
    "Store",
    "TicketNotFound",
    "VersionConflict",
]


class Store:
    """One database, as one process uses it. Make it with `open`, end it with `close`.

    Its attributes are the queries and changes of each subject, described where they are defined. Tickets and their events are
    written through `take` and `change`.
    """

    def __init__(self, engine: AsyncEngine, *, ticket_prefix: str, timezone: str) -> None:
        self._engine = engine
        self.writer = Writer(engine, ticket_prefix=ticket_prefix, zone=ZoneInfo(timezone))
        self.tickets = Tickets(engine)
        self.lights = Lights(engine)
        self.accounts = Accounts(engine)
        self.outbox = Outbox(engine)
        self.jobs = Jobs(engine)
        self.keys = Keys(engine)
        self.figures = Figures(engine)
        self.corrections = Corrections(engine)
        self.assessments = Assessments(engine)
        self.absences = StoredAbsences(engine)
        self.conversations = Conversations(engine)
        self.look_ups = LookUps(engine)
        self.pictures = Pictures(engine)
        self.reconciliation = Reconciliation(engine)
        self.fetches = Fetches(engine)
        self.remote_tokens = RemoteTokens(engine)
        self.search = Search(engine)
        self.incidents = Incidents(engine, ticket_prefix=ticket_prefix, zone=ZoneInfo(timezone))
        self.erasing = Erasing(engine, ticket_prefix=ticket_prefix, zone=ZoneInfo(timezone))
        self.sameness = SamenessIndex(engine)
        self.queues = Queues(engine)
        self.tasks = Tasks(engine)
        self.attention = Attention(engine)
        self.users = Users(engine)
        self.account_events = AccountEvents(engine)
        self.audit = Audit(engine)
        self.parked = Parked(engine)
        self.conditions = Conditions(engine)
        self.webhooks = Webhooks(engine)

    @classmethod
    async def open(
        cls, url: str, keyring: Keyring, *, ticket_prefix: str = "FH", timezone: str = "Asia/Shanghai"
    ) -> Store:
        """Open a migrated database (`storage.migrate.upgrade`) and start its writer. Whether the keyring is that of the
        database, `keys.adopt` tells."""
        store = cls(open_engine(url, keyring), ticket_prefix=ticket_prefix, timezone=timezone)
        store.writer.start()
        return store

    async def close(self) -> None:
        """Finish what is queued for writing, then close every connection."""
        await self.writer.close()
        await self._engine.dispose()

    async def take(
        self, drafts: Sequence[Outcome], *, channel: str, nonce: str | None, seen_at: datetime, again: Again
    ) -> list[Receipt]:
        """Store drafts of new tickets; one receipt each, in order, when all are durable.

        A (channel, source number) that is there already gives its ticket; `again(existing, draft)` may say what the new
        sending changes. `seen_at` dates the ticket numbers and the nonce. Raises NonceSeen (nothing is stored) or
        StorageUnavailable.
        """
        receipts = await self.writer.submit(Take(drafts, channel, nonce, seen_at, again))
        return cast(list[Receipt], receipts)

    async def change(
        self,
        no: str,
        work: Callable[[Ticket], Outcome],
        *,
        expected_version: int | None = None,
        climb: Climb | None = None,
        key: RequestKey | None = None,
    ) -> Ticket:
        """Change one ticket under the writers' lock; what `work` raises is raised here and nothing is stored.

        `work` must be pure: on SQLite it runs in the writer's own thread.

        An outcome without events changes nothing. A `climb` is made together with the change, once among all processes:
        where the clock does not stand at its beginning, nothing happens. Where the `key` was used before, nothing
        happens either. Raises TicketNotFound, VersionConflict, StorageUnavailable.
        """
        changed = await self.writer.submit(Change((no,), lambda found: (work(found[0]),), expected_version, climb, key))
        return cast(tuple[Ticket, ...], changed)[0]

    async def change_two(
        self,
        no: str,
        other_no: str,
        work: Callable[[tuple[Ticket, Ticket]], tuple[Outcome, Outcome]],
        *,
        expected_version: int | None = None,
    ) -> tuple[Ticket, Ticket]:
        """Change two tickets together, as `change` does one; the expected version is that of the first."""

        def both(found: tuple[Ticket, ...]) -> tuple[Outcome, ...]:
            return work((found[0], found[1]))

        changed = await self.writer.submit(Change((no, other_no), both, expected_version))
        first, second = cast(tuple[Ticket, ...], changed)
        return first, second

    def reporter_key(self, reporter: Reporter) -> str:
        """What tells that two complaints come from the same number, without being it; empty where no number is known."""
        return reporter_key(reporter, keyring_of(self._engine.dialect))

    async def verify_chain(self) -> ChainReport:
        """Check the whole chain of events against what was hashed."""
        return await verify_chain(self._engine)

    async def ping(self) -> None:
        """Raises StorageUnavailable when the database does not answer."""
        try:
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception as error:
            raise StorageUnavailable(type(error).__name__) from error
