"""Finding tickets by words: what the ticket list and the desk's search have in common."""

from __future__ import annotations

from aiohttp import web

from domain.people import Role
from intake_bot.api.filters import read_filter, read_number, read_word
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import actor_of, house_of
from storage.search import TooShort
from storage.tickets import Page

LONGEST_QUERY = 100
TOO_SHORT = "请输入至少两个连在一起的汉字，或三个字母、数字"


async def found_page(request: web.Request, name: str, default_limit: int = 50) -> Page:
    """The page of the tickets that the filters of an address let through and that hold the words of its parameter `name`;
    all that pass the filters where there are no words.

    A brigade member finds tickets of their own unit, and none by a phone number: looking at whose a ticket is leaves a
    record. Raises `Problem` 422 for words that are too short or a cursor not ours.
    """
    store, actor = house_of(request).store, actor_of(request)
    query = (read_word(request, name, longest=LONGEST_QUERY) or "").strip()
    limit = read_number(request, "limit", default=default_limit, least=1, most=200)
    wanted = read_filter(request, actor)
    cursor = read_word(request, "cursor", longest=400)
    try:
        if not query:
            return await store.tickets.page(wanted, cursor=cursor, limit=limit)
        await store.search.follow()  # what came in a moment ago is found too
        return await store.search.find(
            query, wanted, cursor=cursor, limit=limit, by_phone=actor.role is not Role.BRIGADE
        )
    except TooShort:
        raise bad_fields([FieldError(name, TOO_SHORT)]) from None
    except ValueError:
        raise bad_fields([FieldError("cursor", "翻页游标无效，请使用上一页返回的 next_cursor")]) from None
