"""Calling WeChat and WeCom: every call carries an access token, of which all processes share one. Not: what is said to whom.

The token is kept in the database until shortly before it ends, and replaced once where the platform calls it over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import msgspec

from intake_bot.outgoing import Outgoing, beginning, why
from storage.store import Store

_TOKEN_OVER = frozenset({40001, 40014, 42001})
_EARLY = timedelta(minutes=5)
_SHORTEST = timedelta(seconds=30)
_SECONDS = aiohttp.ClientTimeout(total=10)
_LARGEST_ANSWER = 1_048_576

Result = TypeVar("Result")
Ask = Callable[["WechatCalls", bool], Awaitable[dict[str, Any]]]
"""How a platform is asked for a token; True: for a new one, because the last one is over."""


class WechatRefused(Exception):
    """The platform did not do what it was asked; the message says why. Worth another try unless `final`."""

    def __init__(self, message: str, code: int = 0, *, final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.final = final


class WechatCalls:
    """One platform's interface as this process calls it. Close it at the end.

    `platform` is its name in messages, `token_name` that of our account's token in the database.
    """

    def __init__(
        self, address: str, platform: str, token_name: str, ask: Ask, store: Store, outgoing: Outgoing
    ) -> None:
        self.address = address
        self._platform = platform
        self._token_name = token_name
        self._ask = ask
        self._store = store
        self._outgoing = outgoing
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, path: str, body: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Post to an interface. Raises WechatRefused."""
        return await self.with_token(lambda token: self.post(path, body, {"access_token": token}), now)

    async def with_token(self, work: Callable[[str], Awaitable[Result]], now: datetime) -> Result:
        """Do something with a token; where that is over, once more with a new one. Raises what `work` raises."""
        try:
            return await work(await self._token(now))
        except WechatRefused as refused:
            if refused.code not in _TOKEN_OVER:
                raise
        return await work(await self._token(now, anew=True))

    async def post(self, path: str, body: dict[str, Any], query: dict[str, str] | None = None) -> dict[str, Any]:
        """Post JSON. Raises WechatRefused."""
        content, headers = msgspec.json.encode(body), {"Content-Type": "application/json"}
        return await self._asked("POST", path, query or {}, data=content, headers=headers)

    async def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """Raises WechatRefused."""
        return await self._asked("GET", path, query)

    async def bytes_of(self, path: str, query: dict[str, str], most: int) -> bytes:
        """A picture, of at most so many bytes. Raises WechatRefused."""
        try:
            async with self._http().get(self.address + path, params=query, allow_redirects=False) as answer:
                content = await self._read(answer, most, "照片太大")
                if answer.content_type.startswith("image/"):
                    return content
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from None
        self._told(content)
        raise WechatRefused(f"{self._platform}没有给出照片", final=True)

    async def _asked(self, method: str, path: str, query: dict[str, str], **options: Any) -> dict[str, Any]:
        try:
            address = self.address + path
            async with self._http().request(method, address, params=query, allow_redirects=False, **options) as answer:
                return self._told(await self._read(answer, _LARGEST_ANSWER, "回答太长"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from None

    async def _read(self, answer: aiohttp.ClientResponse, most: int, too_long: str) -> bytes:
        content = await beginning(answer, most + 1)
        if len(content) > most:
            raise WechatRefused(too_long, final=True)
        return content

    async def _token(self, now: datetime, *, anew: bool = False) -> str:
        known = None if anew else await self._store.remote_tokens.get(self._token_name, now)
        if known:
            return known
        told = await self._ask(self, anew)
        token, seconds = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise WechatRefused(f"{self._platform}没有给出访问令牌")
        lasting = timedelta(seconds=seconds) - _EARLY
        await self._store.remote_tokens.keep(self._token_name, token, now + max(lasting, _SHORTEST))
        return token

    def _told(self, body: bytes) -> dict[str, Any]:
        """The platform's answer. Raises WechatRefused for one that is none, or holds an error code."""
        try:
            told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            raise WechatRefused(f"{self._platform}的回答不是 JSON") from None
        code = told.get("errcode", 0)
        if code:
            raise WechatRefused(f"{self._platform}回答 {code}：{str(told.get('errmsg', ''))[:100]}", int(code))
        return told

    def _unreachable(self, error: Exception) -> WechatRefused:
        """Without the address: it may hold a secret."""
        return WechatRefused(f"连接{self._platform}失败（{why(error)}）")

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._outgoing.session(_SECONDS)
        return self._session
