"""Keeps the search index a second or so behind the tickets, in whichever process is quickest."""

from __future__ import annotations

import asyncio

import structlog

from intake_bot.house import House

log = structlog.get_logger()

EVERY = 1.0
"""Seconds between two looks for what is new."""

AFTER_FAILURE = 15.0


async def keep_index(house: House) -> None:
    """Follow what is taken in until the task is cancelled; a database that is away is asked again later."""
    while True:
        try:
            behind = await house.store.search.follow()
            wait = 0.0 if behind else EVERY
        except Exception as error:
            log.error("search_index_behind", error=type(error).__name__)
            wait = AFTER_FAILURE
        await asyncio.sleep(wait)
