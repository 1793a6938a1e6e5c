"""Users and tokens. Passwords are kept as Argon2 hashes, tokens as SHA-256 only."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.administration import TOKEN_PREFIX, Deed
from domain.people import SYSTEM, Actor, Role
from storage import tables
from storage.account_events import record
from storage.database import locked_head, writing
from storage.sign_in_misses import Origin, count_try, forget_misses, forget_places, know

TOKEN_BYTES = 32
SESSION = "网页登录"
"""The purpose of a token that a page's cookie holds: it opens nothing as a bearer token."""

_hasher = PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """What the password of an account that does not exist is checked against, so that it takes as long."""
    return _hasher.hash(secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in."""

    account: str
    name: str
    role: Role
    unit: str | None
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in on a page."""

    actor: Actor
    name: str
    created_at: datetime
    expires_at: datetime


class AccountExists(Exception):
    """There is a user of that account already."""


class Accounts:
    """Queries and changes about users and tokens."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def any_user(self) -> bool:
        async with self._engine.connect() as connection:
            return bool((await connection.execute(select(func.count()).select_from(tables.users))).scalar_one())

    async def create_user(
        self,
        account: str,
        name: str,
        role: Role,
        unit: str | None,
        password: str,
        now: datetime,
        *,
        must_change: bool,
        by: Actor = SYSTEM,
    ) -> None:
        """Raises AccountExists; two processes that create the same account at once make one. `by` goes on record."""
        hashed = await asyncio.to_thread(_hasher.hash, password)
        try:
            async with writing(self._engine) as connection:
                await locked_head(connection)
                await connection.execute(
                    insert(tables.users).values(
                        account=account,
                        name=name,
                        role=role.value,
                        unit=unit,
                        password_hash=hashed,
                        must_change_password=must_change,
                        disabled=False,
                        created_at=now,
                    )
                )
                await record(connection, by, Deed.USER_ADDED, account, now, {"name": name, "role": role, "unit": unit})
        except IntegrityError as error:
            raise AccountExists(account) from error

    async def set_password(
        self, account: str, password: str, now: datetime, *, must_change: bool, by: Actor | None = None
    ) -> None:
        """Give a user a new password, end every session that the old one opened, and any wait after wrong ones.

        `by`: the administrator who resets it; None where users change their own. Nothing happens where there is no such
        account.
        """
        hashed = await asyncio.to_thread(_hasher.hash, password)
        table = tables.users
        async with writing(self._engine) as connection:
            await locked_head(connection)
            changed = await connection.execute(
                update(table)
                .where(table.c.account == account)
                .values(password_hash=hashed, must_change_password=must_change)
                .returning(table.c.role)
            )
            role = changed.scalar_one_or_none()
            if role is None:
                return
            await end_sessions(connection, account, now)
            await forget_places(connection, account)
            deed = Deed.PASSWORD_CHANGED if by is None else Deed.PASSWORD_RESET
            await record(connection, by or Actor(account, Role(role)), deed, account, now)

    async def authenticate(self, account: str, password: str, now: datetime, origin: Origin = Origin()) -> User | None:
        """The user whose password this is; None for a wrong one. Raises LockedOut where too many wrong ones came from there.

        Answers the same, and takes equally long, for an account that does not exist.
        """
        table = tables.users
        async with writing(self._engine) as connection:
            row = (await connection.execute(select(table).where(table.c.account == account))).one_or_none()
            tried = await count_try(connection, account, origin, now, exists=row is not None)
        right = await asyncio.to_thread(_verified, row.password_hash if row else None, password)
        if row is None or row.disabled:
            return None
        if not right:
            if tried.waits:
                async with writing(self._engine) as connection:
                    await record(connection, SYSTEM, Deed.USER_LOCKED, account, now, {"from": origin.network})
            return None
        async with writing(self._engine) as connection:
            await forget_misses(connection, account, *tried.places)
        return User(row.account, row.name, Role(row.role), row.unit, row.must_change_password)

    async def know(self, account: str, origin: Origin, now: datetime) -> None:
        """Somebody signed in from here: who guesses elsewhere does not keep them from doing so again."""
        async with writing(self._engine) as connection:
            await know(connection, account, origin, now)

    async def first_use(self, purpose: str, value: str, now: datetime) -> bool:
        """True for the first caller, among all processes, who brings this value; it is remembered as nonces are."""
        try:
            async with writing(self._engine) as connection:
                await connection.execute(insert(tables.nonces).values(channel=purpose, nonce=value, seen_at=now))
        except IntegrityError:
            return False
        return True

    async def create_token(
        self,
        account: str,
        role: Role,
        unit: str | None,
        purpose: str,
        now: datetime,
        expires_at: datetime,
        *,
        by: Actor | None = None,
    ) -> str:
        """A new token; it is shown here once and can never be read again.

        `by`: the administrator who makes it for a program, whose account begins with TOKEN_PREFIX; None where somebody
        signs in.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        async with writing(self._engine) as connection:
            await connection.execute(
                insert(tables.tokens).values(
                    hash=_fingerprint(token),
                    account=account,
                    role=role.value,
                    unit=unit,
                    purpose=purpose,
                    created_at=now,
                    expires_at=expires_at,
                )
            )
            if by is None:
                await record(connection, Actor(account, role), Deed.SIGNED_IN, account, now, {"way": purpose})
            else:
                about = {"role": role, "unit": unit, "expires_at": expires_at}
                await record(connection, by, Deed.TOKEN_MADE, account.removeprefix(TOKEN_PREFIX), now, about)
        return token

    async def session(self, token: str, now: datetime) -> Session | None:
        """The session that a page's token opened; None for one that is over, or is no session at all."""
        table, user = tables.tokens, tables.users
        statement = (
            select(table.c.account, table.c.role, table.c.unit, table.c.created_at, table.c.expires_at, user.c.name)
            .join(user, user.c.account == table.c.account)
            .where(
                table.c.hash == _fingerprint(token),
                table.c.purpose == SESSION,
                table.c.revoked_at.is_(None),
                table.c.expires_at > now,
                user.c.disabled.is_(False),
            )
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return Session(Actor(row.account, Role(row.role), row.unit), row.name, row.created_at, row.expires_at)

    async def prolong(self, token: str, expires_at: datetime) -> None:
        """A session that is used lasts on."""
        table = tables.tokens
        async with writing(self._engine) as connection:
            await connection.execute(
                update(table).where(table.c.hash == _fingerprint(token)).values(expires_at=expires_at)
            )

    async def revoke(self, token: str, now: datetime) -> None:
        """End a token or session; of one that is over already nothing changes."""
        table = tables.tokens
        async with writing(self._engine) as connection:
            await connection.execute(
                update(table)
                .where(table.c.hash == _fingerprint(token), table.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )

    async def actor_for_token(self, token: str, now: datetime) -> Actor | None:
        """Whose token this is; None for one that is unknown, expired, revoked or of a disabled user."""
        table, user = tables.tokens, tables.users
        statement = (
            select(table.c.account, table.c.role, table.c.unit)
            .outerjoin(user, user.c.account == table.c.account)
            .where(
                table.c.hash == _fingerprint(token),
                table.c.purpose != SESSION,
                table.c.revoked_at.is_(None),
                table.c.expires_at > now,
                or_(user.c.disabled.is_(None), user.c.disabled.is_(False)),
            )
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return Actor(row.account, Role(row.role), row.unit) if row else None


async def end_sessions(connection: AsyncConnection, account: str, now: datetime) -> None:
    """End every session and token of an account, in the transaction of what makes that needed."""
    table = tables.tokens
    await connection.execute(
        update(table).where(table.c.account == account, table.c.revoked_at.is_(None)).values(revoked_at=now)
    )


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _verified(hashed: str | None, password: str) -> bool:
    try:
        return _hasher.verify(hashed or _nobodys_hash(), password)
    except VerificationError:
        return False
