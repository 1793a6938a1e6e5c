"""What the service calls by itself: nothing inside our own network that the configuration does not name, however written."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from intake_bot.fetching import NotFetched, fetch
from intake_bot.outgoing import AddressRefused, Outgoing, is_public
from intake_bot.settings import Deployment

PATIENCE = aiohttp.ClientTimeout(total=10)
PUBLIC = "93.184.216.34"
"""Anybody's address; no test connects to it."""


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Peer:
    """A service inside our own network that must not be called. `/to?where=` leads on to an address."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.called.append(request.path)
        if request.path == "/to":
            raise web.HTTPFound(request.query["where"])
        return web.Response(text="a secret")


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    found = Peer()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        found.port = server.port
        yield found


class Names(AbstractResolver):
    """A name server under the test's control: each name has its answers, given one after the other."""

    def __init__(self, **answers: Sequence[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(given) for name, given in answers.items()}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        given = self._answers[host]
        addresses = given.pop(0) if len(given) > 1 else given[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in addresses
        ]

    async def close(self) -> None:
        pass


async def told(outgoing: Outgoing, url: str, **options: Any) -> str:
    async with outgoing.session(PATIENCE) as session, session.get(url, **options) as answer:
        return await answer.text()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",  # the same, as one number
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "１２７.0.0.1",
        "localhost",
        "LocalHost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ],
)
async def test_no_spelling_leads_to_this_machine(peer: Peer, host: str) -> None:
    with pytest.raises(AddressRefused, match=r"未列入 outgoing\.internal|应写成四段十进制数"):
        await told(Outgoing(), f"http://{host}:{peer.port}/")
    assert peer.called == []


async def test_what_the_configuration_names_is_called(peer: Peer) -> None:
    for internal, host in (
        (["127.0.0.0/8"], "127.0.0.1"),
        (["127.0.0.1"], "localhost"),
        (["localhost"], "localhost"),
        (["127.0.0.1"], "[::ffff:127.0.0.1]"),
    ):
        assert await told(Outgoing(internal), f"http://{host}:{peer.port}/") == "a secret", (internal, host)
    called = len(peer.called)
    for internal, host in ((["localhost"], "127.0.0.1"), (["10.0.0.0/8", "127.0.0.2"], "127.0.0.1")):
        with pytest.raises(AddressRefused):
            await told(Outgoing(internal), f"http://{host}:{peer.port}/")
    assert len(peer.called) == called


async def test_a_redirect_is_looked_at_again(peer: Peer) -> None:
    def names() -> Names:
        return Names(platform_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])

    outgoing = Outgoing(["platform.example"], names)
    own = f"http://platform.example:{peer.port}"
    assert await told(outgoing, f"{own}/to", params={"where": f"{own}/there"}) == "a secret"
    peer.called.clear()
    for where in (
        f"http://127.0.0.1:{peer.port}/there",
        f"http://[::ffff:127.0.0.1]:{peer.port}/there",
        f"http://other.example:{peer.port}/there",
        "http://169.254.169.254/latest/meta-data/",
    ):
        with pytest.raises(AddressRefused):
            await told(outgoing, f"{own}/to", params={"where": where})
    with pytest.raises(aiohttp.ClientError):
        await told(outgoing, f"{own}/to", params={"where": "file:///etc/passwd"})
    assert set(peer.called) == {"/to"}


async def test_a_name_that_changes_its_answer_is_no_way_round(peer: Peer) -> None:
    """Looked at once, harmless; the next time, when it is connected to, it stands for this machine."""
    names = Names(platform_example=[[PUBLIC], ["127.0.0.1"]])
    outgoing = Outgoing((), lambda: names)
    assert outgoing.usable("platform.example", await names.resolve("platform.example"))
    with pytest.raises(AddressRefused, match=r"platform\.example"):
        await told(outgoing, f"http://platform.example:{peer.port}/")
    assert peer.called == []
    both = Names(platform_example=[["127.0.0.1", PUBLIC, "10.1.2.3"]])
    left = outgoing.usable("platform.example", await both.resolve("platform.example"))
    assert [one["host"] for one in left] == [PUBLIC], "of several answers only the harmless one is connected to"


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),
        *("192.168.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:a00:1::"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1"),
        "2001:0:102:304::f5ff:fffe",  # Teredo, whose client is 10.0.0.1
    ],
)
def test_what_is_not_everybodys(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_what_is_everybodys(address: str) -> None:
    assert is_public(ip_address(address))


def test_an_address_written_out_in_the_configuration_may_be_called(deployment: Deployment) -> None:
    settings = deployment.settings
    platforms = {
        "12345": "http://10.1.2.3:8080/back",
        "12319": "http://[fd00::5]/back",
        "12369": "http://169.254.169.254/back",
        "e-steward": "http://2852039166/back",
    }
    delivery = settings.delivery.model_copy(update={"platforms": platforms})
    outgoing = Outgoing.of(settings.model_copy(update={"delivery": delivery}))
    outgoing.check("10.1.2.3")
    outgoing.check("fd00::5")
    for other in ("10.1.2.4", "fd00::6", "127.0.0.1", "169.254.169.254"):
        with pytest.raises(AddressRefused):
            outgoing.check(other)
    listed = settings.outgoing.model_copy(update={"internal": ("169.254.169.254",)})
    Outgoing.of(settings.model_copy(update={"outgoing": listed})).check("169.254.169.254")


async def test_who_operates_it_is_told_why_nothing_was_fetched(peer: Peer) -> None:
    async with Outgoing().session(PATIENCE) as session:
        now = datetime(2026, 11, 25, tzinfo=UTC)
        channel: Any = None  # never asked: nothing came back to be read
        with pytest.raises(NotFetched, match=r"指向内网地址，未列入 outgoing\.internal"):
            await fetch(session, channel, "", f"http://localhost:{peer.port}/tickets", now, now)
    assert peer.called == []
