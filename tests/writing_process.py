"""A process that writes tickets as the service does and says on its output what it was promised: `source_no ticket_no`.

Run as `python writing_process.py DATABASE_URL PREFIX COUNT NONCES`; it writes with several takes in hand at once.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from datetime import timedelta

import town
from parts import drafted, take
from sealing_keys import KEYRING

from storage.store import Store

AT_ONCE = 8


async def write(url: str, prefix: str, count: int, nonces: str) -> None:
    store = await Store.open(url, KEYRING)
    numbers = itertools.count()

    async def one_after_the_other() -> None:
        while (number := next(numbers)) < count:
            now = town.MONDAY + timedelta(seconds=number)
            receipt = (await take(store, drafted(f"{prefix}{number}"), nonce=f"{nonces}{prefix}{number}", seen_at=now))[
                0
            ]
            print(f"{prefix}{number} {receipt.ticket.no} {int(receipt.duplicate)}", flush=True)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
