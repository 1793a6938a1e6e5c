"""A process that sweeps as the service's timers do. Run as `python sweeping_process.py DATABASE_URL`."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from parts import sweep_all
from sealing_keys import KEYRING
from timer_processes import at_each_moment

from storage.store import Store
from supervision import sweeps as sweeping

sweeping.PAGE = 10  # small pages, so that a process can be killed between two of them


async def sweep(url: str) -> None:
    store = await Store.open(url, KEYRING)
    await at_each_moment(partial(sweep_all, store))
    await store.close()


if __name__ == "__main__":
    asyncio.run(sweep(sys.argv[1]))
