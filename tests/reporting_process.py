"""A process that makes the reports that are due as the service's timer does: `python reporting_process.py DATABASE_URL`."""

from __future__ import annotations

import asyncio
import sys

from parts import report_schedule
from sealing_keys import KEYRING
from timer_processes import at_each_moment

from storage.store import Store


async def report(url: str) -> None:
    store = await Store.open(url, KEYRING)
    await at_each_moment(report_schedule(store).make_due)
    await store.close()


if __name__ == "__main__":
    asyncio.run(report(sys.argv[1]))
