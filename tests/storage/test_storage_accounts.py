"""Users and tokens: who may come in, who is locked out, and what is never readable again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import town
from sqlalchemy import text

from domain.people import Actor, Role
from storage.accounts import LOCKED_FOR, MOST_FAILURES, AccountExists, LockedOut, User
from storage.store import Store

NOW = town.MONDAY
PASSWORD = "correct-horse-1"


@pytest.fixture
async def peopled(store: Store) -> Store:
    await store.accounts.create_user("a1", "测试员甲", Role.BRIGADE, town.CITY, PASSWORD, NOW, must_change=True)
    return store


async def test_a_user_comes_in_with_the_right_password_only(peopled: Store) -> None:
    user = await peopled.accounts.authenticate("a1", PASSWORD, NOW)
    assert user == User("a1", "测试员甲", Role.BRIGADE, town.CITY, True)
    assert await peopled.accounts.authenticate("a1", "wrong", NOW) is None
    assert await peopled.accounts.authenticate("nobody", PASSWORD, NOW) is None


async def test_there_are_no_users_until_there_is_one(store: Store) -> None:
    assert not await store.accounts.any_user()
    await store.accounts.create_user("a1", "测试员甲", Role.OPERATOR, None, PASSWORD, NOW, must_change=False)
    assert await store.accounts.any_user()


async def test_an_account_is_made_once(peopled: Store) -> None:
    with pytest.raises(AccountExists):
        await peopled.accounts.create_user("a1", "另一人", Role.OPERATOR, None, PASSWORD, NOW, must_change=False)
    made = await asyncio.gather(
        *(
            peopled.accounts.create_user("b1", "测试员乙", Role.OPERATOR, None, PASSWORD, NOW, must_change=False)
            for _ in range(3)
        ),
        return_exceptions=True,
    )
    assert [type(one) for one in made].count(AccountExists) == 2


async def test_too_many_wrong_passwords_lock_out_for_a_while(peopled: Store) -> None:
    for _ in range(MOST_FAILURES):
        assert await peopled.accounts.authenticate("a1", "wrong", NOW) is None
    with pytest.raises(LockedOut) as locked:
        await peopled.accounts.authenticate("a1", PASSWORD, NOW + timedelta(minutes=1))
    assert 0 < locked.value.seconds <= LOCKED_FOR.total_seconds()
    assert await peopled.accounts.authenticate("a1", PASSWORD, NOW + LOCKED_FOR) is not None
    # From there it counts anew.
    assert await peopled.accounts.authenticate("a1", "wrong", NOW + LOCKED_FOR) is None
    assert await peopled.accounts.authenticate("a1", PASSWORD, NOW + LOCKED_FOR) is not None


async def test_a_right_password_forgets_the_wrong_ones(peopled: Store) -> None:
    for _ in range(3):
        for _ in range(MOST_FAILURES - 1):
            await peopled.accounts.authenticate("a1", "wrong", NOW)
        assert await peopled.accounts.authenticate("a1", PASSWORD, NOW) is not None


async def test_a_new_password_ends_the_old_one_and_its_sessions(peopled: Store) -> None:
    token = await peopled.accounts.create_token("a1", Role.BRIGADE, town.CITY, "登录", NOW, NOW + timedelta(hours=8))
    assert await peopled.accounts.actor_for_token(token, NOW) == Actor("a1", Role.BRIGADE, town.CITY)
    await peopled.accounts.set_password("a1", "another-horse-2", NOW, must_change=False)
    assert await peopled.accounts.actor_for_token(token, NOW) is None
    assert await peopled.accounts.authenticate("a1", PASSWORD, NOW) is None
    user = await peopled.accounts.authenticate("a1", "another-horse-2", NOW)
    assert user is not None
    assert not user.must_change_password


async def test_a_token_ends_with_its_time_and_with_its_user(peopled: Store) -> None:
    token = await peopled.accounts.create_token("a1", Role.BRIGADE, town.CITY, "登录", NOW, NOW + timedelta(hours=8))
    machine = await peopled.accounts.create_token("feeder", Role.OPERATOR, None, "接口", NOW, NOW + timedelta(days=9))
    assert await peopled.accounts.actor_for_token(token, NOW + timedelta(hours=8)) is None
    assert await peopled.accounts.actor_for_token("no-such-token", NOW) is None
    async with peopled._engine.begin() as connection:
        await connection.execute(text("UPDATE users SET disabled = true"))
    assert await peopled.accounts.actor_for_token(token, NOW) is None
    assert await peopled.accounts.authenticate("a1", PASSWORD, NOW) is None
    assert await peopled.accounts.actor_for_token(machine, NOW) == Actor("feeder", Role.OPERATOR, None)


async def test_neither_password_nor_token_can_be_read(peopled: Store) -> None:
    token = await peopled.accounts.create_token("a1", Role.BRIGADE, None, "登录", NOW, NOW + timedelta(hours=8))
    async with peopled._engine.connect() as connection:
        rows = [
            *(await connection.execute(text("SELECT * FROM users"))).all(),
            *(await connection.execute(text("SELECT * FROM tokens"))).all(),
        ]
    assert PASSWORD not in repr(rows)
    assert token not in repr(rows)
    assert "$argon2id$" in repr(rows)


async def test_many_guesses_at_once_are_no_more_than_one_after_the_other(store: Store) -> None:
    await store.accounts.create_user("a.x", "甲", Role.OPERATOR, None, "Right-1nvented", NOW, must_change=False)

    async def guess(number: int) -> str:
        try:
            found = await store.accounts.authenticate("a.x", f"wrong {number}", NOW)
        except LockedOut:
            return "locked"
        return "wrong" if found is None else "right"

    told = await asyncio.gather(*(guess(number) for number in range(20)))
    assert told.count("wrong") <= MOST_FAILURES
    with pytest.raises(LockedOut):
        await store.accounts.authenticate("a.x", "Right-1nvented", NOW)
