"""Users and tokens: who may come in, who is locked out, and what is never readable again."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
import town
from sqlalchemy import text

from domain.people import Actor, Role
from storage.accounts import AccountExists, User
from storage.sign_in_misses import FREE_TRIES, FREE_TRIES_OF_STRANGERS, LockedOut, Origin
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


HERE, THERE = Origin("198.51.100.1"), Origin("198.51.100.2")


async def tried(store: Store, password: str, at: datetime, origin: Origin = HERE, account: str = "a1") -> str | int:
    """What somebody is told who tries a password: right, wrong, or how many minutes to wait."""
    try:
        found = await store.accounts.authenticate(account, password, at, origin)
    except LockedOut as locked:
        return -(-locked.seconds // 60)
    if found is None:
        return "wrong"
    await store.accounts.know(account, origin, at)
    return "right"


async def test_each_further_wrong_password_waits_longer(peopled: Store) -> None:
    at = NOW
    assert [await tried(peopled, "wrong", at) for _ in range(FREE_TRIES)] == ["wrong"] * FREE_TRIES
    waited = []
    for _ in range(6):
        minutes = await tried(peopled, PASSWORD, at + timedelta(seconds=1))
        assert isinstance(minutes, int)
        waited.append(minutes)
        at += timedelta(minutes=minutes)
        assert await tried(peopled, "wrong", at) == "wrong"
    assert waited == [1, 2, 4, 8, 15, 15]
    assert await tried(peopled, PASSWORD, at + timedelta(minutes=15)) == "right"
    # From there it counts anew.
    assert await tried(peopled, "wrong", at + timedelta(minutes=15)) == "wrong"
    assert await tried(peopled, PASSWORD, at + timedelta(minutes=15)) == "right"


async def test_after_a_day_it_counts_anew(peopled: Store) -> None:
    for _ in range(FREE_TRIES - 1):
        await tried(peopled, "wrong", NOW)
    later = NOW + timedelta(hours=25)
    assert [await tried(peopled, "wrong", later) for _ in range(FREE_TRIES + 1)] == ["wrong"] * FREE_TRIES + [1]


async def test_who_guesses_elsewhere_does_not_keep_the_owner_out(peopled: Store) -> None:
    assert await tried(peopled, PASSWORD, NOW, HERE) == "right"
    for number in range(100):  # a guesser with as many addresses as he likes
        await tried(peopled, "wrong", NOW + timedelta(seconds=number), Origin(f"203.0.113.{number}"))
    at = NOW + timedelta(seconds=100)
    assert await tried(peopled, PASSWORD, at, THERE) == 1, "from an unknown network the owner waits a minute"
    assert await tried(peopled, PASSWORD, at, HERE) == "right", "and from a known one not at all"
    assert await tried(peopled, PASSWORD, at + timedelta(days=91), HERE) == "right"


async def test_who_guesses_from_the_same_network_does_not_keep_a_known_browser_out(peopled: Store) -> None:
    mine = Origin(HERE.network, device="a browser of the owner")
    assert await tried(peopled, PASSWORD, NOW, mine) == "right"
    for _ in range(FREE_TRIES):
        await tried(peopled, "wrong", NOW, HERE)
    assert await tried(peopled, PASSWORD, NOW, HERE) == 1
    assert await tried(peopled, PASSWORD, NOW, Origin(HERE.network, device="a made-up one")) == 1
    assert await tried(peopled, PASSWORD, NOW, mine) == "right"
    for _ in range(FREE_TRIES):
        await tried(peopled, "wrong", NOW, mine)
    assert await tried(peopled, PASSWORD, NOW, mine) == 1, "who sits at that browser does not get to guess either"
    assert await tried(peopled, PASSWORD, NOW, Origin(session="of a page")) == "right", "nor is a session touched"
    await peopled.accounts.set_password("a1", "another-horse-2", NOW, must_change=False)
    for number in range(FREE_TRIES_OF_STRANGERS):
        await tried(peopled, "wrong", NOW, Origin(f"203.0.113.{number}"))
    assert await tried(peopled, "another-horse-2", NOW, mine) == 1, "a new password makes strangers of all browsers"


async def test_many_networks_together_get_no_more_guesses(peopled: Store) -> None:
    told = [await tried(peopled, "wrong", NOW, Origin(f"203.0.113.{number}")) for number in range(200)]
    assert told.count("wrong") == FREE_TRIES_OF_STRANGERS
    later = [NOW + timedelta(seconds=seconds) for seconds in range(60, 1_200, 10)]
    told = [await tried(peopled, "wrong", at, Origin(f"203.0.113.{number}")) for number, at in enumerate(later)]
    assert told.count("wrong") <= 20, "one a minute"


async def test_an_account_that_does_not_exist_answers_like_one_that_does(peopled: Store) -> None:
    for origin, tries in ((HERE, 2 * FREE_TRIES), (None, 2 * FREE_TRIES_OF_STRANGERS)):
        told = {
            account: [
                await tried(peopled, "wrong", NOW, origin or Origin(f"203.0.113.{number}"), account)
                for number in range(tries)
            ]
            for account in ("a1", "nobody.at.all")
        }
        assert told["a1"] == told["nobody.at.all"]
    async with peopled._engine.connect() as connection:
        accounts = set((await connection.execute(text("SELECT account FROM sign_in_misses"))).scalars())
    assert len(accounts) == 2 and "nobody.at.all" not in accounts, "what somebody typed for an account is not kept"


async def test_counts_that_tell_nothing_any_more_are_forgotten(peopled: Store) -> None:
    assert await tried(peopled, PASSWORD, NOW, HERE) == "right"
    await tried(peopled, "wrong", NOW, THERE)

    async def left(at: datetime) -> set[str]:
        await peopled.jobs.purge(at, nonces_before=NOW, claims_before=NOW, tokens_before=NOW)
        async with peopled._engine.connect() as connection:
            return set((await connection.execute(text("SELECT place FROM sign_in_misses"))).scalars())

    assert await left(NOW + timedelta(hours=23)) == {"*", HERE.network_place, THERE.network_place}
    assert await left(NOW + timedelta(hours=25)) == {HERE.network_place}
    assert await left(NOW + timedelta(days=91)) == set()


async def test_a_right_password_forgets_the_wrong_ones(peopled: Store) -> None:
    for _ in range(3):
        for _ in range(FREE_TRIES - 1):
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
    assert told.count("wrong") <= FREE_TRIES
    with pytest.raises(LockedOut):
        await store.accounts.authenticate("a.x", "Right-1nvented", NOW)
