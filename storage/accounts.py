"""Users and tokens. Passwords are kept as Argon2 hashes, tokens as SHA-256 only."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.people import Actor, Role
from storage import tables
from storage.database import writing

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
TOKEN_BYTES = 32

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


class LockedOut(Exception):
    """Too many wrong passwords; `seconds` until the next try counts."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"locked for {seconds} s")
        self.seconds = seconds


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
        self, account: str, name: str, role: Role, unit: str | None, password: str, now: datetime, *, must_change: bool
    ) -> None:
        """Raises AccountExists; two processes that create the same account at once make one."""
        hashed = await asyncio.to_thread(_hasher.hash, password)
        try:
            async with writing(self._engine) as connection:
                await connection.execute(
                    insert(tables.users).values(
                        account=account,
                        name=name,
                        role=role.value,
                        unit=unit,
                        password_hash=hashed,
                        must_change_password=must_change,
                        disabled=False,
                        failures=0,
                        created_at=now,
                    )
                )
        except IntegrityError as error:
            raise AccountExists(account) from error

    async def set_password(self, account: str, password: str, now: datetime, *, must_change: bool) -> None:
        """Give a user a new password, and end every session that the old one opened."""
        hashed = await asyncio.to_thread(_hasher.hash, password)
        async with writing(self._engine) as connection:
            await connection.execute(
                update(tables.users)
                .where(tables.users.c.account == account)
                .values(password_hash=hashed, must_change_password=must_change, failures=0, locked_until=None)
            )
            await connection.execute(
                update(tables.tokens)
                .where(tables.tokens.c.account == account, tables.tokens.c.revoked_at.is_(None))
                .values(revoked_at=now)
            )

    async def authenticate(self, account: str, password: str, now: datetime) -> User | None:
        """The user whose password this is; None for a wrong one. Raises LockedOut after too many failures.

        Takes equally long for an account that does not exist.
        """
        table = tables.users
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(table).where(table.c.account == account))).one_or_none()
        if row is not None and row.locked_until is not None and row.locked_until > now:
            raise LockedOut(int((row.locked_until - now).total_seconds()) + 1)
        right = await asyncio.to_thread(_verified, row.password_hash if row else None, password)
        if row is None or row.disabled:
            return None
        if not right:
            await self._count_failure(account, now)
            return None
        if row.failures:
            async with writing(self._engine) as connection:
                await connection.execute(
                    update(table).where(table.c.account == account).values(failures=0, locked_until=None)
                )
        return User(row.account, row.name, Role(row.role), row.unit, row.must_change_password)

    async def _count_failure(self, account: str, now: datetime) -> None:
        table = tables.users
        async with writing(self._engine) as connection:
            await connection.execute(
                update(table).where(table.c.account == account).values(failures=table.c.failures + 1)
            )
            await connection.execute(
                update(table)
                .where(table.c.account == account, table.c.failures >= MOST_FAILURES)
                .values(failures=0, locked_until=now + LOCKED_FOR)
            )

    async def create_token(
        self, account: str, role: Role, unit: str | None, purpose: str, now: datetime, expires_at: datetime
    ) -> str:
        """A new bearer token; it is shown here once and can never be read again."""
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
        return token

    async def actor_for_token(self, token: str, now: datetime) -> Actor | None:
        """Whose token this is; None for one that is unknown, expired, revoked or of a disabled user."""
        table, user = tables.tokens, tables.users
        statement = (
            select(table.c.account, table.c.role, table.c.unit)
            .outerjoin(user, user.c.account == table.c.account)
            .where(
                table.c.hash == _fingerprint(token),
                table.c.revoked_at.is_(None),
                table.c.expires_at > now,
                or_(user.c.disabled.is_(None), user.c.disabled.is_(False)),
            )
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return Actor(row.account, Role(row.role), row.unit) if row else None


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _verified(hashed: str | None, password: str) -> bool:
    try:
        return _hasher.verify(hashed or _nobodys_hash(), password)
    except VerificationError:
        return False
