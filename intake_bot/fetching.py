"""Fetching a platform's own list of its tickets, page by page, signed as the channel signs. Not: what is done with it."""

from __future__ import annotations

from datetime import datetime

import aiohttp

from adapters.channel import Channel, Unreadable
from adapters.listing import Listed
from adapters.signature import signed_headers
from domain.worktime import local
from intake_bot.outgoing import beginning, why

MOST_PAGES = 2_000
LARGEST_PAGE = 16_777_216
"""Bytes of one page; a platform that sends more is not read to the end."""


class NotFetched(Exception):
    """The list could not be read to its end; the message says why, in Chinese."""


async def fetch(
    session: aiohttp.ClientSession, channel: Channel, secret: str, url: str, since: datetime, until: datetime
) -> list[Listed]:
    """Every ticket of the list that the platform gives for a period; of a number given twice the later. Raises NotFetched."""
    found: dict[str, Listed] = {}
    for page in range(1, MOST_PAGES + 1):
        query = {"since": _written(since), "until": _written(until), "page": str(page)}
        items = await _page(session, channel, secret, url, query)
        before = len(found)
        found |= {one.number: one for one in items}
        if len(found) == before:  # an empty page, or a platform that gives the same page for every number
            return list(found.values())
    raise NotFetched(f"平台列表超过 {MOST_PAGES} 页，没有读完")


async def _page(
    session: aiohttp.ClientSession, channel: Channel, secret: str, url: str, query: dict[str, str]
) -> list[Listed]:
    headers = signed_headers(secret, b"") if secret else {}
    try:
        async with session.get(url, params=query, headers=headers, allow_redirects=False) as answer:
            if answer.status != 200:
                raise NotFetched(f"平台列表第 {query['page']} 页回答 {answer.status}")
            content = await beginning(answer, LARGEST_PAGE + 1)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotFetched(f"连接平台失败（{why(error)}）") from None
    if len(content) > LARGEST_PAGE:
        raise NotFetched(f"平台列表一页超过 {LARGEST_PAGE // 1_048_576} MB")
    try:
        return channel.listed(content)
    except Unreadable as error:
        raise NotFetched(f"平台列表第 {query['page']} 页读不出：{error}") from None


def _written(moment: datetime) -> str:
    return f"{local(moment):%Y-%m-%dT%H:%M:%S%z}"
