"""Calling WeChat: pictures that people sent, answers that come late, progress. Not: what WeChat sends us (`api.wechat`).

The access token is kept in the database, so that several processes share one. It is asked for with WeChat's `stable_token`,
which gives the same token to all who ask at once.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from adapters.report import Report
from adapters.wechat.crypto import Envelope
from adapters.wechat.messages import shortened
from adapters.wechat.report_back import message, status_words
from intake_bot.citizen_settings import WechatSettings
from intake_bot.pages.times import local_time
from storage.store import Store

_TOKEN_OVER = frozenset({40001, 40014, 42001})
_NO_LONGER_REACHABLE = frozenset({45015, 45047})
"""The person has not written for 48 hours, or was sent too much since."""
_EARLY = timedelta(minutes=5)
_LARGEST_PICTURE = 12_582_912
_SECONDS = aiohttp.ClientTimeout(total=10)
_LONGEST_FIELD = 20
"""Characters that a template message shows of a field."""


class WechatRefused(Exception):
    """WeChat did not do what it was asked; the message says why. Worth another try unless `final`."""

    def __init__(self, message: str, code: int = 0, *, final: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.final = final


class WechatAccount:
    """One official account as this process uses it. Close it at the end."""

    def __init__(self, settings: WechatSettings, store: Store) -> None:
        self.settings = settings
        self._store = store
        self.token = os.environ.get(settings.token_env, "")
        key = os.environ.get(settings.aes_key_env, "")
        self.envelope = Envelope(self.token, key, settings.app_id) if key else None
        self._secret = os.environ.get(settings.secret_env, "")
        self._session: aiohttp.ClientSession | None = None

    @property
    def can_call(self) -> bool:
        """Whether we may call WeChat by ourselves."""
        return bool(self._secret)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send_text(self, open_id: str, text: str, now: datetime) -> None:
        """A customer-service message. Raises WechatRefused."""
        body = {"touser": open_id, "msgtype": "text", "text": {"content": shortened(text)}}
        await self._call("/cgi-bin/message/custom/send", body, now)

    async def tell_progress(self, open_id: str, report: Report, matter: str, now: datetime) -> None:
        """Tell somebody how their matter goes on: by message, else by template. Raises WechatRefused."""
        text = message(report)
        if not text:
            return
        try:
            await self.send_text(open_id, text, now)
        except WechatRefused as refused:
            if refused.code not in _NO_LONGER_REACHABLE:
                raise
            if not self.settings.template:
                raise WechatRefused("对方 48 小时内没有对话，且没有配置模板消息", refused.code, final=True) from None
            await self._send_template(open_id, report, matter, now)

    async def _send_template(self, open_id: str, report: Report, matter: str, now: datetime) -> None:
        values = {
            "ticket_no": report.ticket_no,
            "matter": matter,
            "status": status_words(report),
            "text": report.text or report.unit_name,
            "time": local_time(report.at),
        }
        data = {
            name: {"value": values[content][:_LONGEST_FIELD]} for name, content in self.settings.template_fields.items()
        }
        body = {"touser": open_id, "template_id": self.settings.template, "data": data}
        await self._call("/cgi-bin/message/template/send", body, now)

    async def picture(self, media_id: str, now: datetime) -> bytes:
        """The bytes of a picture that somebody sent. Raises WechatRefused."""
        try:
            return await self._media(media_id, await self._access_token(now))
        except WechatRefused as refused:
            if refused.code not in _TOKEN_OVER:
                raise
        return await self._media(media_id, await self._access_token(now, anew=True))

    async def _media(self, media_id: str, token: str) -> bytes:
        content = bytearray()
        try:
            async with self._http().get(
                f"{self.settings.api}/cgi-bin/media/get", params={"access_token": token, "media_id": media_id}
            ) as answer:
                async for part in answer.content.iter_chunked(1 << 16):
                    content += part
                    if len(content) > _LARGEST_PICTURE:
                        raise WechatRefused("照片太大", final=True)
                if answer.content_type.startswith("image/"):
                    return bytes(content)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WechatRefused(f"连接公众平台失败（{type(error).__name__}）") from None
        _check(bytes(content))
        raise WechatRefused("公众平台没有给出照片", final=True)

    async def _call(self, path: str, body: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Post to an interface; a token that is over is replaced once."""
        try:
            return await self._post(path, body, await self._access_token(now))
        except WechatRefused as refused:
            if refused.code not in _TOKEN_OVER:
                raise
        return await self._post(path, body, await self._access_token(now, anew=True))

    async def _post(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        try:
            async with self._http().post(
                self.settings.api + path,
                params={"access_token": token} if token else {},
                data=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
            ) as answer:
                return _check(await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WechatRefused(f"连接公众平台失败（{type(error).__name__}）") from None

    async def _access_token(self, now: datetime, *, anew: bool = False) -> str:
        if not self._secret:
            raise WechatRefused(f"环境变量 {self.settings.secret_env} 未设置，不能主动发消息", final=True)
        name = f"wechat:{self.settings.app_id}"
        known = None if anew else await self._store.remote_tokens.get(name, now)
        if known:
            return known
        body = {
            "grant_type": "client_credential",
            "appid": self.settings.app_id,
            "secret": self._secret,
            "force_refresh": anew,
        }
        told = await self._post("/cgi-bin/stable_token", body)
        token, seconds = told.get("access_token"), told.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            raise WechatRefused("公众平台没有给出访问令牌")
        lasting = timedelta(seconds=seconds) - _EARLY
        await self._store.remote_tokens.keep(name, token, now + max(lasting, timedelta(seconds=30)))
        return token

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_SECONDS)
        return self._session


def _check(body: bytes) -> dict[str, Any]:
    """WeChat's answer. Raises WechatRefused for one that is none, or holds an error code."""
    try:
        told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise WechatRefused("公众平台的回答不是 JSON") from None
    code = told.get("errcode", 0)
    if code:
        raise WechatRefused(f"公众平台回答 {code}：{str(told.get('errmsg', ''))[:100]}", int(code))
    return told
