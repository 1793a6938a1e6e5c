"""Signing in: the one-time password, wrong ones, lock-out, tokens for programs."""

from __future__ import annotations

from service import Caller

from domain.people import Role
from storage.sign_in_misses import FREE_TRIES

ONE_TIME = "one-time-password"
CHOSEN = "Chosen-password-1"


async def new_user(caller: Caller, account: str = "tester") -> None:
    await caller.house.store.accounts.create_user(
        account, "测试员", Role.OPERATOR, None, ONE_TIME, caller.house.now(), must_change=True
    )


async def test_a_one_time_password_must_be_changed(caller: Caller) -> None:
    await new_user(caller)
    first = await caller.post("/api/v1/login", {"account": "tester", "password": ONE_TIME}, token="")
    assert (first.status, first.body["type"]) == (403, "/problems/new-password-needed")
    weak = await caller.post(
        "/api/v1/login", {"account": "tester", "password": ONE_TIME, "new_password": "abc"}, token=""
    )
    assert (weak.status, weak.fields) == (422, ["new_password"])
    done = await caller.post(
        "/api/v1/login", {"account": "tester", "password": ONE_TIME, "new_password": CHOSEN}, token=""
    )
    assert done.status == 200
    me = await caller.get("/api/v1/me", done.body["token"])
    assert me.body == {"account": "tester", "role": "operator", "brigade": None}
    assert (await caller.post("/api/v1/login", {"account": "tester", "password": ONE_TIME}, token="")).status == 401
    assert (await caller.post("/api/v1/login", {"account": "tester", "password": CHOSEN}, token="")).status == 200


async def test_too_many_wrong_passwords_lock_the_account(caller: Caller) -> None:
    await new_user(caller)
    for _ in range(FREE_TRIES):
        answer = await caller.post("/api/v1/login", {"account": "tester", "password": "wrong"}, token="")
        assert answer.status == 401
    locked = await caller.post("/api/v1/login", {"account": "tester", "password": ONE_TIME}, token="")
    assert locked.status == 429
    assert int(locked.headers["Retry-After"]) > 0


async def test_an_unknown_account_is_told_the_same_as_a_wrong_password(caller: Caller) -> None:
    await new_user(caller)
    wrong = await caller.post("/api/v1/login", {"account": "tester", "password": "wrong"}, token="")
    unknown = await caller.post("/api/v1/login", {"account": "nobody", "password": "wrong"}, token="")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)


async def test_only_an_administrator_gives_tokens(caller: Caller) -> None:
    operator = await caller.new_token("operator")
    assert (await caller.post("/api/v1/tokens", {"name": "x", "role": "administrator"}, operator)).status == 403
    for body, field in (
        ({"name": "", "role": "operator"}, "name"),
        ({"name": "x", "role": "channel"}, "role"),
        ({"name": "x", "role": "brigade"}, "unit"),
        ({"name": "x", "role": "operator", "days": 0}, "days"),
    ):
        refused = await caller.post("/api/v1/tokens", body)
        assert (refused.status, refused.fields) == (422, [field])
