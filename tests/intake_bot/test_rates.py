"""Who calls too often is told to wait and for how long, whoever that is: an address, an account, a channel."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from service import Caller, sample

from intake_bot.api.limits import FORWARDED, Proxies
from intake_bot.api.server import build_app
from intake_bot.guard_settings import RateLimitSettings
from intake_bot.house import House
from intake_bot.rates import MINUTE, MOST_CALLERS, Rate, Rates


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_at_once_and_then_as_it_drains() -> None:
    clock = Clock()
    rates = Rates(RateLimitSettings(sign_in=6), clock)
    assert [rates.take(Rate.SIGN_IN, "a") for _ in range(8)] == [0] * 6 + [10, 10]
    assert rates.take(Rate.SIGN_IN, "b") == 0, "another caller is not concerned"
    assert rates.take(Rate.CONVERSATION, "a") == 0, "nor is another thing"
    clock.now += 9.5
    assert rates.take(Rate.SIGN_IN, "a") == 1
    clock.now += 0.5
    assert [rates.take(Rate.SIGN_IN, "a") for _ in range(2)] == [0, 10]
    clock.now += MINUTE
    assert [rates.take(Rate.SIGN_IN, "a") for _ in range(7)] == [0] * 6 + [10]


def test_no_more_than_twice_the_minutes_worth_in_any_minute() -> None:
    clock = Clock()
    rates, taken = Rates(RateLimitSettings(account=60), clock), []
    for _ in range(2_000):
        clock.now += 0.1
        if rates.take(Rate.ACCOUNT, "a") == 0:
            taken.append(clock.now)
    most = max(sum(begin <= one < begin + MINUTE for one in taken) for begin in taken)
    assert 60 <= most <= 120
    assert len(taken) == pytest.approx(60 + 200, abs=1), "over time, one a second beyond the first minute's worth"


def test_nought_is_no_limit_and_is_not_remembered() -> None:
    rates = Rates(RateLimitSettings(sign_in=0))
    assert not any(rates.take(Rate.SIGN_IN, "a") for _ in range(1_000))
    assert len(rates) == 0


def test_memory_is_bounded_and_who_still_calls_is_not_forgotten() -> None:
    rates = Rates(RateLimitSettings(look_ups=2), Clock())
    assert [rates.take(Rate.LOOK_UPS, "busy") for _ in range(2)] == [0, 0]
    for number in range(MOST_CALLERS - 1):
        rates.take(Rate.LOOK_UPS, str(number))
    assert len(rates) == MOST_CALLERS
    assert rates.take(Rate.LOOK_UPS, "busy") > 0
    for number in range(3 * MOST_CALLERS):
        rates.take(Rate.LOOK_UPS, f"x{number}")
    assert len(rates) == MOST_CALLERS


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # anybody can write the header
        ("10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.5", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # the first was written by the caller
        ("10.0.0.5", ["192.0.2.66", "198.51.100.1, 10.0.0.6"], "198.51.100.1"),
        ("10.0.0.5", ["nonsense"], "10.0.0.5"),
        ("10.0.0.5", ["198.51.100.1, nonsense"], "10.0.0.5"),
        ("10.0.0.5", ["10.0.0.7, 10.0.0.6"], "10.0.0.7"),
        ("::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),  # a customer's whole network is one caller
        ("::ffff:10.0.0.5", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("", [], ""),
    ],
)
def test_only_trusted_proxies_say_where_a_request_comes_from(remote: str, forwarded: list[str], client: str) -> None:
    headers: Any = [(FORWARDED, one) for one in forwarded]
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    assert Proxies(["10.0.0.0/24", "::1"]).client(request) == client


def with_rates(house: House, **rates: int) -> web.Application:
    """The service of a configuration with these rates, behind a proxy on this machine."""
    server = house.settings.server.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    changed = {"rate_limits": RateLimitSettings(**rates), "server": server}
    deployment = dataclasses.replace(house.deployment, settings=house.settings.model_copy(update=changed))
    return build_app(dataclasses.replace(house, deployment=deployment), timers=False)


async def test_one_too_many_is_told_to_wait(house: House) -> None:
    rates = {"sign_in": 2, "conversation": 2, "pictures": 2, "open311_posts": 2, "look_ups": 2}
    async with TestClient(TestServer(with_rates(house, **rates))) as client:
        for method, path in (
            ("POST", "/login"),
            ("POST", "/api/v1/login"),  # the same count: two ways to the same door
            ("POST", "/conversation"),
            ("PUT", f"/conversation/pictures/{'0' * 32}"),
            ("GET", "/open311/v2/services.json"),
            ("POST", "/open311/v2/requests.json"),
        ):
            told = []
            for _ in range(3):
                async with client.request(method, path, data=b"{}", headers={FORWARDED: "198.51.100.1"}) as answer:
                    told.append(answer.status)
                    text = await answer.text()
            assert told[-1] == 429 and (path == "/api/v1/login" or 429 not in told[:2]), (path, told)
            assert "太频繁" in text and "秒后再试" in text
            assert 0 < int(answer.headers["Retry-After"]) <= 30
            headers = {FORWARDED: "198.51.100.2"}
            async with client.request(method, path, data=b"{}", headers=headers) as answer:
                assert answer.status != 429, "another address"


async def test_an_account_and_a_channel_have_their_own_counts(house: House) -> None:
    async with TestClient(TestServer(with_rates(house, account=3, channel=2))) as client:
        caller = Caller(client, house)
        token = await caller.new_token("operator")
        assert [(await caller.get("/api/v1/me", token)).status for _ in range(4)] == [200, 200, 200, 429]
        refused = await caller.get("/api/v1/me", token)
        assert refused.body["type"] == "/problems/too-often" and refused.body["detail"].startswith("此账号或令牌的请求")
        assert (await caller.get("/api/v1/me")).status == 200, "the administrator is somebody else"
        for _ in range(5):  # nobody but the channel can use up its share
            assert (await caller.send("12345", sample("12345"), at=0)).status == 401
        told = [(await caller.send("12345", sample("12345"))).status for _ in range(3)]
        assert told == [201, 200, 429]
        assert (await caller.send("12319", sample("12319"))).status == 201
