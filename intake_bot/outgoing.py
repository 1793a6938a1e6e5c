"""Calling other systems over HTTP, into our own network only where the configuration says so (SSRF).

A name is checked where it is resolved for the connection itself, so that one which answers differently the next time is no
way round; an address, and every hop of a redirect, before it is connected to. Not: what is sent (`delivery`, `fetching`,
`wechat_calls`, `portal`), nor notices by Apprise, whose addresses are secrets of the environment.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from intake_bot.settings import Settings

SCHEMES = frozenset({"http", "https"})
_NAT64 = ip_network("64:ff9b::/96")
_PART = 65_536
_THIS_MACHINE = "localhost"
_DISGUISED = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
"""What resolvers take for an address though it is not written as one: 2130706433, 0x7f.1, 127.1."""


class AddressRefused(aiohttp.ClientError):
    """An address that must not be called; the message says why, in Chinese."""


class Outgoing:
    """Which addresses may be called. `internal`: host names, addresses and networks that may though they are our own.

    `resolver`: how names are looked up.
    """

    def __init__(
        self, internal: Iterable[str] = (), resolver: Callable[[], AbstractResolver] = DefaultResolver
    ) -> None:
        self._resolver = resolver
        self._names: set[str] = set()
        self._networks = []
        for one in internal:
            try:
                self._networks.append(ip_network(one))
            except ValueError:
                self._names.add(_plain(one))

    @classmethod
    def of(cls, settings: Settings) -> Outgoing:
        """As configured: what is listed, and the addresses that other settings write out in numbers.

        Link-local addresses, where clouds keep their credentials, must be listed.
        """
        return cls([*settings.outgoing.internal, *filter(_is_written_out, map(_host, settings.called_addresses()))])

    def session(self, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        """A client that calls nothing else. Close it at the end."""
        connector = aiohttp.TCPConnector(resolver=_CheckedResolver(self, self._resolver()))
        return aiohttp.ClientSession(connector=connector, timeout=timeout, middlewares=(self._checked,))

    def check(self, host: str) -> None:
        """Raises AddressRefused for a host that is written as an address of our own network, or as a number in disguise."""
        address = _address(host)
        if address is None and _DISGUISED.fullmatch(host):
            raise AddressRefused(f"地址 {host} 应写成四段十进制数，如 10.20.0.1")
        if address is not None and not self._may(address):
            raise AddressRefused(f"地址 {host} 不在公网，未列入 outgoing.internal")

    def usable(self, host: str, found: list[ResolveResult]) -> list[ResolveResult]:
        """Of what a name stands for, what may be called. Raises AddressRefused where nothing is left."""
        if _plain(host) in self._names:
            return found
        left = [one for one in found if (address := _address(one["host"])) is not None and self._may(address)]
        if not left:
            raise AddressRefused(f"主机名 {host} 指向内网地址，未列入 outgoing.internal")
        return left

    def _may(self, address: IPv4Address | IPv6Address) -> bool:
        return is_public(address) or any(_innermost(address) in one or address in one for one in self._networks)

    async def _checked(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.scheme not in SCHEMES:
            raise AddressRefused(f"只能访问 http、https 地址，不能访问 {request.url.scheme}")
        self.check(request.url.raw_host or "")
        return await handler(request)


class _CheckedResolver(AbstractResolver):
    """A resolver whose answers are looked at."""

    def __init__(self, outgoing: Outgoing, inner: AbstractResolver) -> None:
        self._outgoing = outgoing
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return self._outgoing.usable(host, await self._inner.resolve(host, port, family))

    async def close(self) -> None:
        await self._inner.close()


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is anybody's on the internet, also where an IPv4 address is wrapped into IPv6."""
    inner = _innermost(address)
    site_local = isinstance(inner, IPv6Address) and inner.is_site_local
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or site_local)


async def beginning(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """A body, or its first `most` bytes; it may come in any number of pieces."""
    content = bytearray()
    async for part in answer.content.iter_chunked(_PART):
        content += part
        if len(content) >= most:
            break
    return bytes(content[:most])


def why(error: BaseException) -> str:
    """What to say of a call that failed."""
    return str(error) if isinstance(error, AddressRefused) else type(error).__name__


def _innermost(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one leads to, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _is_written_out(host: str) -> bool:
    address = _address(host)
    return host == _THIS_MACHINE or (address is not None and not _innermost(address).is_link_local)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
