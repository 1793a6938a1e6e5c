"""Whose call it is as far as the network tells, and the refusal of those that come too often."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from intake_bot.api.problems import Problem
from intake_bot.rates import RATE_NAMES, Rate, Rates

Address = IPv4Address | IPv6Address
RATES: web.AppKey[Rates] = web.AppKey("rates", Rates)
FORWARDED = "X-Forwarded-For"
_MOST_HOPS = 20
_IPV6_PREFIX = 64
"""What one customer of a provider has to himself: there each of his addresses is the same caller."""


class Proxies:
    """The proxies whose word is taken for where a request comes from."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = [ip_network(one) for one in trusted]

    def client(self, request: web.Request) -> str:
        """The caller's address (IPv6: the network), as the last proxy that is trusted saw it; empty where unknown.

        Everybody can write the header: only what trusted proxies added at its end counts.
        """
        address = _address(request.remote or "")
        hops = [one.strip() for line in request.headers.getall(FORWARDED, ()) for one in line.split(",")]
        for hop in reversed(hops[-_MOST_HOPS:]):
            named = _address(hop)
            if named is None or not self._trusts(address):
                break
            address = named
        return _caller(address)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in one for one in self._trusted)


def _address(written: str) -> Address | None:
    """What is written as an address; None for what is none."""
    try:
        address = ip_address(written.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _caller(address: Address | None) -> str:
    """What callers are told apart by."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address or "")


PROXIES: web.AppKey[Proxies] = web.AppKey("proxies", Proxies)


def client_of(request: web.Request) -> str:
    """Where a request comes from: an IPv4 address, or an IPv6 network of 64 bits."""
    return request.app[PROXIES].client(request)


def count(request: web.Request, rate: Rate, caller: str) -> None:
    """Count a call. Raises `Problem` 429 for one too many."""
    seconds = request.app[RATES].take(rate, caller)
    if seconds:
        raise Problem(
            429,
            "too-often",
            "太频繁",
            f"{RATE_NAMES[rate]}太频繁，请 {seconds} 秒后再试",
            headers={"Retry-After": str(seconds)},
        )
