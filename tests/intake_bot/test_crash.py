"""SIGKILL in the middle of a stream of concurrent POSTs: what was answered is there, once, with the chain intact.

The service is the real command in a process of its own, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from pathlib import Path
from typing import Any

import aiohttp
from sealing_keys import KEYRING
from service import PATHS, sample, serving, signed_headers

from storage.store import Store

CLIENTS = 16
MOST_MEMORY = 300 * 1024 * 1024
"""Bytes that a service with the embedded engine may have resident."""


def resident(process_id: int) -> int:
    """Bytes that a process has resident, those of mapped files included."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


async def post(session: aiohttp.ClientSession, address: str, number: int) -> str | None:
    """Send one complaint; its ticket number when it was answered."""
    content = json.dumps({**sample("12345"), "orderNum": f"CRASH{number:06d}"}, ensure_ascii=False).encode()
    try:
        async with session.post(
            address + PATHS["12345"], data=content, headers=signed_headers("12345", content)
        ) as response:
            if response.status not in {200, 201}:
                return None
            return str((await response.json())["ticket_no"])
    except (aiohttp.ClientError, OSError):
        return None


async def test_what_was_answered_survives_a_kill(database_url: str, tmp_path: Path) -> None:
    answered: dict[int, str] = {}
    numbers = iter(range(1_000_000))
    log = tmp_path / "service.log"

    async def client(session: aiohttp.ClientSession, address: str, dead: asyncio.Event) -> None:
        while not dead.is_set():
            number = next(numbers)
            ticket_no = await post(session, address, number)
            if ticket_no is not None:
                answered[number] = ticket_no

    for _ in range(2):
        async with serving(database_url, log) as (process, address), aiohttp.ClientSession() as session:
            dead = asyncio.Event()
            before = len(answered)
            clients = [asyncio.create_task(client(session, address, dead)) for _ in range(CLIENTS)]
            while len(answered) < before + 200:
                await asyncio.sleep(0.01)
            await asyncio.sleep(random.random() * 0.2)
            assert resident(process.pid) < MOST_MEMORY
            process.send_signal(signal.SIGKILL)
            dead.set()
            await asyncio.gather(*clients)

    assert len(answered) >= 400
    store = await Store.open(database_url, KEYRING)
    try:
        report = await store.verify_chain()
        assert report.intact, report
        for number, ticket_no in answered.items():
            found = await store.tickets.by_source("12345", f"CRASH{number:06d}")
            assert found is not None, f"{number} was answered with {ticket_no} and is gone"
            assert found.no == ticket_no
    finally:
        await store.close()
    # Started once more, the service answers for what it had and takes what is new.
    async with serving(database_url, log) as (_, address), aiohttp.ClientSession() as session:
        number, ticket_no = next(iter(answered.items()))
        assert await post(session, address, number) == ticket_no
        assert await post(session, address, next(numbers)) is not None


async def test_two_processes_over_one_database_keep_one_truth(database_url: str, tmp_path: Path) -> None:
    """The same numbers through both at once: one ticket each; nonces are shared too."""
    log = tmp_path / "service.log"
    async with (
        serving(database_url, log) as (_, first),
        serving(database_url, log) as (_, second),
        aiohttp.ClientSession() as session,
    ):
        pairs = await asyncio.gather(
            *(asyncio.gather(post(session, first, number), post(session, second, number)) for number in range(60))
        )
        assert all(one is not None and one == other for one, other in pairs)
        assert len({one for one, _ in pairs}) == len(pairs)
        content = json.dumps({**sample("12345"), "orderNum": "NONCE"}).encode()
        headers = signed_headers("12345", content)
        statuses: list[Any] = []
        for address in (first, second):
            async with session.post(address + PATHS["12345"], data=content, headers=headers) as response:
                statuses.append(response.status)
        assert statuses == [201, 401]
    store = await Store.open(database_url, KEYRING)
    try:
        assert (await store.verify_chain()).intact
    finally:
        await store.close()


async def test_a_stop_signal_lets_what_was_begun_finish(sqlite_database_url: str, tmp_path: Path) -> None:
    async with serving(sqlite_database_url, tmp_path / "service.log") as (process, address):
        async with aiohttp.ClientSession() as session:
            requests = [asyncio.create_task(post(session, address, number)) for number in range(40)]
            await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*requests)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    store = await Store.open(sqlite_database_url, KEYRING)
    try:
        for number, ticket_no in enumerate(answers):
            if ticket_no is not None:
                found = await store.tickets.by_source("12345", f"CRASH{number:06d}")
                assert found is not None and found.no == ticket_no
    finally:
        await store.close()
