"""Ranges of days as people name them, up to and with the last day, for an API that names the first day that is out."""

from __future__ import annotations

from datetime import date, timedelta

from aiohttp import web


def with_last_day(request: web.Request) -> web.Request:
    """The request as the API is asked: blank fields of a form left out, `to` the day after the one that was named.

    What is no day stays as it is: whoever reads it refuses it.
    """
    filled = {name: value.strip() for name, value in request.query.items() if value.strip()}
    if "to" in filled:
        filled["to"] = _day_after(filled["to"])
    return request.clone(rel_url=request.rel_url.with_query(filled))


def _day_after(written: str) -> str:
    try:
        return (date.fromisoformat(written) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return written
