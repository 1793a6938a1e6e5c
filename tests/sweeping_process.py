"""A process that sweeps as the service's timers do.

Run as `python sweeping_process.py DATABASE_URL`: it reads moments (ISO 8601) from its input, one a line, sweeps with each as
now, and answers `done`. It says `ready` first.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from parts import sweep_all

from storage.store import Store
from supervision import sweeps as sweeping

sweeping.PAGE = 10  # small pages, so that a process can be killed between two of them


async def sweep(url: str) -> None:
    store = await Store.open(url)
    print("ready", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        await sweep_all(store, datetime.fromisoformat(line))
        print("done", flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(sweep(sys.argv[1]))
