"""The official account calls WeChat: pictures that people sent, answers that come late, progress.

Not: what WeChat sends us (`api.wechat`), nor how a call is made (`wechat_calls`).
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from adapters.report import Report
from adapters.wechat.crypto import Envelope
from adapters.wechat.messages import shortened
from adapters.wechat.report_back import message, status_words
from intake_bot.citizen_settings import WechatSettings
from intake_bot.outgoing import Outgoing
from intake_bot.pages.times import local_time
from intake_bot.wechat_calls import WechatCalls, WechatRefused
from storage.store import Store

_NO_LONGER_REACHABLE = frozenset({45015, 45047})
"""The person has not written for 48 hours, or was sent too much since."""
_LARGEST_PICTURE = 12_582_912
_LONGEST_FIELD = 20
"""Characters that a template message shows of a field."""


class WechatAccount:
    """One official account as this process uses it. Close it at the end."""

    def __init__(self, settings: WechatSettings, store: Store, outgoing: Outgoing) -> None:
        self.settings = settings
        self.token = os.environ.get(settings.token_env, "")
        key = os.environ.get(settings.aes_key_env, "")
        self.envelope = Envelope(self.token, key, settings.app_id) if key else None
        self._secret = os.environ.get(settings.secret_env, "")
        name = f"wechat:{settings.app_id}"
        self._calls = WechatCalls(settings.api, "公众平台", name, self._ask_token, store, outgoing)

    @property
    def can_call(self) -> bool:
        """Whether we may call WeChat by ourselves."""
        return bool(self._secret)

    async def close(self) -> None:
        await self._calls.close()

    async def send_text(self, open_id: str, text: str, now: datetime) -> None:
        """A customer-service message. Raises WechatRefused."""
        body = {"touser": open_id, "msgtype": "text", "text": {"content": shortened(text)}}
        await self._calls.call("/cgi-bin/message/custom/send", body, now)

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
        await self._calls.call("/cgi-bin/message/template/send", body, now)

    async def picture(self, media_id: str, now: datetime) -> bytes:
        """The bytes of a picture that somebody sent. Raises WechatRefused."""

        async def fetched(token: str) -> bytes:
            query = {"access_token": token, "media_id": media_id}
            return await self._calls.bytes_of("/cgi-bin/media/get", query, _LARGEST_PICTURE)

        return await self._calls.with_token(fetched, now)

    async def _ask_token(self, calls: WechatCalls, anew: bool) -> dict[str, Any]:
        """`stable_token` gives the same token to all who ask at once."""
        if not self._secret:
            raise WechatRefused(f"环境变量 {self.settings.secret_env} 未设置，不能主动发消息", final=True)
        body = {
            "grant_type": "client_credential",
            "appid": self.settings.app_id,
            "secret": self._secret,
            "force_refresh": anew,
        }
        return await calls.post("/cgi-bin/stable_token", body)
