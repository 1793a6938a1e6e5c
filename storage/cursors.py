"""Cursors of lists: where a page ended, in a spelling that goes into an address and comes back unchanged or not at all."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

T = TypeVar("T")


def write_cursor(place: object) -> str:
    """The cursor of a place, which is anything that msgspec can write."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str, kind: type[T]) -> T:
    """The place of a cursor. Raises ValueError for one that `write_cursor` did not write."""
    try:
        written = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        return msgspec.json.decode(written, type=kind)
    except (binascii.Error, UnicodeError, msgspec.MsgspecError) as error:
        raise ValueError("bad cursor") from error
