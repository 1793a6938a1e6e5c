"""Wrong passwords, counted by account and place for all processes: whoever guesses has to wait ever longer, and nobody can
keep an account's owner out by guessing from somewhere else.

A place is a browser on which the account signed in before, or the network that a try comes from. What comes from networks
that the account never signed in from is besides counted together, so that guessing from many is no help.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import tables
from storage.database import upsert

FREE_TRIES = 5
"""Wrong passwords from one place before a try has to wait."""
FREE_TRIES_OF_STRANGERS = 20
"""Wrong passwords from all unknown networks together before a try from any of them has to wait."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
"""A place waits twice as long after each further wrong password, up to this; strangers always FIRST_WAIT, as the owner may
be among them."""
FORGOTTEN_AFTER = timedelta(hours=24)
KNOWN_FOR = timedelta(days=90)
"""How long an account is known at a place that it signed in from."""
STRANGERS = "*"
_NOBODIES = 4096
"""How many counts accounts share that do not exist, so that they answer as others do and take no room without end."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a try comes from. `network`: the caller's address; `device`: the token of this browser, if it was given one;
    `session`: the token of the session in which the password is asked for again."""

    network: str = ""
    device: str = ""
    session: str = ""

    @property
    def network_place(self) -> str:
        """What a try is counted under where nothing else is known."""
        return f"network:{self.network}"

    @property
    def device_place(self) -> str:
        """The same for this browser; empty where it was given no token."""
        return f"device:{_digest(self.device)}" if self.device else ""


class LockedOut(Exception):
    """Too many wrong passwords; `seconds` until the next try counts."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"locked for {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Tried:
    """A try that was counted. `places`: what it was counted under; `waits`: whether the next one there has to wait from now
    on, as it had not to before."""

    account: str
    places: tuple[str, ...]
    waits: bool


async def count_try(connection: AsyncConnection, account: str, origin: Origin, now: datetime, *, exists: bool) -> Tried:
    """Count a try as a wrong one before the password is looked at, so that many at once are no more than one after another.

    Raises LockedOut where it has to wait; then nothing may be committed.
    """
    if not exists:
        account = f"?{int(_digest(account), 16) % _NOBODIES}"
    known = await _known_place(connection, account, origin, now)
    places = (known,) if known else (STRANGERS, origin.network_place)
    waits = [await _count(connection, account, place, now) for place in places]
    return Tried(account, places, any(waits))


async def know(connection: AsyncConnection, account: str, origin: Origin, now: datetime) -> None:
    """The account has signed in from here: from now on it is known at this network and on this device."""
    table = tables.sign_in_misses
    for place in (origin.device_place, origin.network_place):
        if place:
            new = upsert(connection.dialect.name, table).values(
                account=account, place=place, misses=0, last_at=now, signed_in_at=now
            )
            known = new.on_conflict_do_update(index_elements=list(table.primary_key), set_={"signed_in_at": now})
            await connection.execute(known)


async def forget_misses(connection: AsyncConnection, account: str, *places: str) -> None:
    """Count anew for an account, from these places or, if none is named, from everywhere."""
    table = tables.sign_in_misses
    mine = table.c.account == account
    # The strangers' row first, as a try locks it: nobody waits in a circle.
    await connection.execute(select(table.c.place).where(mine, table.c.place == STRANGERS).with_for_update())
    here = table.c.place.in_(places) if places else table.c.place.is_not(None)
    await connection.execute(update(table).where(mine, here).values(misses=0, waits_until=None))


async def forget_places(connection: AsyncConnection, account: str) -> None:
    """The account has a new password: nobody has missed it yet, and whoever knew the old one is a stranger."""
    await forget_misses(connection, account)
    table = tables.sign_in_misses
    await connection.execute(update(table).where(table.c.account == account).values(signed_in_at=None))


def over(now: datetime) -> ColumnElement[bool]:
    """Which rows tell nothing any more."""
    table = tables.sign_in_misses.c
    unknown = or_(table.signed_in_at.is_(None), table.signed_in_at < now - KNOWN_FOR)
    return (table.last_at < now - FORGOTTEN_AFTER) & unknown


async def _known_place(connection: AsyncConnection, account: str, origin: Origin, now: datetime) -> str:
    """The place, of those that a try comes from, where the account is known; empty where it is a stranger's."""
    if origin.session:
        return f"session:{_digest(origin.session)}"
    table = tables.sign_in_misses.c
    places = [one for one in (origin.device_place, origin.network_place) if one]
    found = await connection.execute(
        select(table.place).where(
            table.account == account, table.place.in_(places), table.signed_in_at >= now - KNOWN_FOR
        )
    )
    known = set(found.scalars())
    return next((one for one in places if one in known), "")


async def _count(connection: AsyncConnection, account: str, place: str, now: datetime) -> bool:
    """Count one miss of a place; whether the next one has to wait, for the first time. Raises LockedOut."""
    table = tables.sign_in_misses
    here = (table.c.account == account, table.c.place == place)
    new = upsert(connection.dialect.name, table).values(account=account, place=place, misses=0, last_at=now)
    await connection.execute(new.on_conflict_do_nothing())
    row = (await connection.execute(select(table).where(*here).with_for_update())).one()
    if row.waits_until is not None and row.waits_until > now:
        raise LockedOut(math.ceil((row.waits_until - now).total_seconds()))
    misses = 1 if row.last_at < now - FORGOTTEN_AFTER else row.misses + 1
    free = FREE_TRIES_OF_STRANGERS if place == STRANGERS else FREE_TRIES
    until = now + _wait(place, misses - free) if misses >= free else None
    await connection.execute(update(table).where(*here).values(misses=misses, last_at=now, waits_until=until))
    return misses == free


def _wait(place: str, further: int) -> timedelta:
    """How long the next try waits after `further` misses beyond the free ones."""
    return FIRST_WAIT if place == STRANGERS else min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(further, 10))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:32]
