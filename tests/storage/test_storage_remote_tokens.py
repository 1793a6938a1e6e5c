"""Access tokens that several processes share: one is good until it ends; replacing it from two sides at once is no error."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import town

from storage.store import Store

NAME = "wecom:ww0123456789abcdef:1000002"


async def test_the_newest_token_is_shared_until_it_ends(store: Store) -> None:
    tokens, until = store.remote_tokens, town.MONDAY + timedelta(hours=2)
    assert await tokens.get(NAME, town.MONDAY) is None
    await asyncio.gather(*(tokens.keep(NAME, f"token-{number}", until) for number in range(8)))
    assert str(await tokens.get(NAME, town.MONDAY)).startswith("token-")
    await tokens.keep(NAME, "token-new", until)
    assert await tokens.get(NAME, until - timedelta(seconds=1)) == "token-new"
    assert await tokens.get(NAME, until) is None
    assert await tokens.get("wechat:wx0123456789abcdef", town.MONDAY) is None
