"""Users and programs' tokens as an administrator sees and changes them; every change goes on record with it.

Not: signing in (`accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.administration import TOKEN_PREFIX, Deed
from domain.people import Actor, Role
from storage import tables
from storage.account_events import record
from storage.accounts import end_sessions
from storage.database import locked_head, writing
from storage.sign_in_misses import forget_misses

_LOCKED_UNTIL = (
    select(func.max(tables.sign_in_misses.c.waits_until))
    .where(tables.sign_in_misses.c.account == tables.users.c.account)
    .correlate(tables.users)
    .scalar_subquery()
    .label("locked_until")
)
TOKEN_NUMBER = 16
"""Characters of a token's fingerprint that name it: nobody can get from them to the token."""


@dataclass(frozen=True, slots=True)
class UserRecord:
    """Somebody who may sign in, and how that stands. `signed_in_at`: the last time, None for never. `locked_until`: how long
    tries from some place have to wait after wrong passwords; None where none ever had to."""

    account: str
    name: str
    role: Role
    unit: str | None
    disabled: bool
    must_change_password: bool
    locked_until: datetime | None
    created_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A program's token. `id` names it; the token itself is nowhere."""

    id: str
    purpose: str
    role: Role
    unit: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class UnknownUser(Exception):
    """There is no user of that account."""


class UnknownToken(Exception):
    """There is no token of that id, or it was withdrawn before."""


class LastAdministrator(Exception):
    """The change would leave nobody who can administer."""


class Users:
    """Queries and changes, each change in one transaction with its entry in the record."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all(self) -> list[UserRecord]:
        """All users, by account."""
        user, token = tables.users, tables.tokens.c
        last = (
            select(token.account, func.max(token.created_at).label("signed_in_at")).group_by(token.account).subquery()
        )
        statement = (
            select(user, last.c.signed_in_at, _LOCKED_UNTIL)
            .outerjoin(last, last.c.account == user.c.account)
            .order_by(user.c.disabled, user.c.account)
        )
        async with self._engine.connect() as connection:
            return [_user(row) for row in await connection.execute(statement)]

    async def get(self, account: str) -> UserRecord:
        """Raises UnknownUser."""
        async with self._engine.connect() as connection:
            return await _found(connection, account)

    async def change(
        self, account: str, now: datetime, by: Actor, *, name: str, role: Role, unit: str | None
    ) -> UserRecord:
        """Give a user another name, role or unit. With a new role or unit the user has to sign in anew.

        Raises UnknownUser, LastAdministrator.
        """
        async with writing(self._engine) as connection:
            await locked_head(connection)  # orders two administrators who demote each other
            before = await _found(connection, account)
            if role is not Role.ADMINISTRATOR:
                await _refuse_last(connection, before)
            changes = {
                field: [old, new]
                for field, old, new in (
                    ("name", before.name, name),
                    ("role", before.role, role),
                    ("unit", before.unit, unit),
                )
                if old != new
            }
            if changes:
                table = tables.users
                await connection.execute(
                    update(table).where(table.c.account == account).values(name=name, role=role.value, unit=unit)
                )
                if changes.keys() != {"name"}:
                    await end_sessions(connection, account, now)
                await record(connection, by, Deed.USER_CHANGED, account, now, changes)
            return await _found(connection, account)

    async def disable(self, account: str, now: datetime, by: Actor) -> UserRecord:
        """Nobody signs in with the account any more, and whoever is signed in with it is out. Raises UnknownUser,
        LastAdministrator."""
        async with writing(self._engine) as connection:
            await locked_head(connection)
            before = await _found(connection, account)
            await _refuse_last(connection, before)
            if not before.disabled:
                await _set(connection, account, disabled=True)
                await end_sessions(connection, account, now)
                await record(connection, by, Deed.USER_DISABLED, account, now)
            return await _found(connection, account)

    async def enable(self, account: str, now: datetime, by: Actor) -> UserRecord:
        """Raises UnknownUser."""
        async with writing(self._engine) as connection:
            await locked_head(connection)
            if (await _found(connection, account)).disabled:
                await _set(connection, account, disabled=False)
                await forget_misses(connection, account)
                await record(connection, by, Deed.USER_ENABLED, account, now)
            return await _found(connection, account)

    async def unlock(self, account: str, now: datetime, by: Actor) -> UserRecord:
        """Nobody has to wait any more after wrong passwords. Raises UnknownUser."""
        async with writing(self._engine) as connection:
            await locked_head(connection)
            locked_until = (await _found(connection, account)).locked_until
            if locked_until is not None and locked_until > now:
                await forget_misses(connection, account)
                await record(connection, by, Deed.USER_UNLOCKED, account, now)
            return await _found(connection, account)

    async def tokens(self) -> list[TokenRecord]:
        """The tokens that were made for programs, the newest first."""
        table = tables.tokens
        statement = (
            select(table)
            .where(table.c.account.startswith(TOKEN_PREFIX, autoescape=True))
            .order_by(table.c.created_at.desc(), table.c.hash)
        )
        async with self._engine.connect() as connection:
            return [
                TokenRecord(
                    row.hash[:TOKEN_NUMBER],
                    row.purpose,
                    Role(row.role),
                    row.unit,
                    row.created_at,
                    row.expires_at,
                    row.revoked_at,
                )
                for row in await connection.execute(statement)
            ]

    async def revoke_token(self, token_id: str, now: datetime, by: Actor) -> None:
        """Withdraw a program's token. Raises UnknownToken."""
        table = tables.tokens
        async with writing(self._engine) as connection:
            await locked_head(connection)
            changed = await connection.execute(
                update(table)
                .where(
                    func.substr(table.c.hash, 1, TOKEN_NUMBER) == token_id,
                    table.c.account.startswith(TOKEN_PREFIX, autoescape=True),
                    table.c.revoked_at.is_(None),
                )
                .values(revoked_at=now)
                .returning(table.c.purpose)
            )
            purpose = changed.scalar_one_or_none()
            if purpose is None:
                raise UnknownToken(token_id)
            await record(connection, by, Deed.TOKEN_REVOKED, purpose, now)


async def _found(connection: AsyncConnection, account: str) -> UserRecord:
    user, token = tables.users, tables.tokens.c
    last = select(func.max(token.created_at)).where(token.account == account).scalar_subquery()
    statement = select(user, last.label("signed_in_at"), _LOCKED_UNTIL).where(user.c.account == account)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise UnknownUser(account)
    return _user(row)


async def _refuse_last(connection: AsyncConnection, user: UserRecord) -> None:
    """Raises LastAdministrator where without this user nobody could administer."""
    if user.role is not Role.ADMINISTRATOR or user.disabled:
        return
    table = tables.users.c
    others = select(func.count()).where(
        table.role == Role.ADMINISTRATOR.value, table.disabled.is_(False), table.account != user.account
    )
    if not (await connection.execute(others)).scalar_one():
        raise LastAdministrator(user.account)


async def _set(connection: AsyncConnection, account: str, **values: object) -> None:
    await connection.execute(update(tables.users).where(tables.users.c.account == account).values(**values))


def _user(row: Row[Any]) -> UserRecord:
    return UserRecord(
        row.account,
        row.name,
        Role(row.role),
        row.unit,
        row.disabled,
        row.must_change_password,
        row.locked_until,
        row.created_at,
        row.signed_in_at,
    )
