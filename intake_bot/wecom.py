"""Calling 企业微信: task cards to our own people, and the card changed once somebody has answered it.

Not: what a card says (`task_cards`), nor what WeCom tells us (`api.wecom`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adapters.wechat.crypto import Envelope
from adapters.wecom.cards import Card, message, replacement, settled
from intake_bot.outgoing import Outgoing
from intake_bot.wechat_calls import WechatCalls, WechatRefused
from intake_bot.wecom_settings import WecomSettings
from storage.store import Store


class WecomAccount:
    """Our application in WeCom as this process uses it. Close it at the end.

    Raises ValueError, in Chinese, for an EncodingAESKey that is none.
    """

    def __init__(self, settings: WecomSettings, store: Store, outgoing: Outgoing) -> None:
        self.settings = settings
        token, key = os.environ.get(settings.token_env, ""), os.environ.get(settings.aes_key_env, "")
        self.envelope = Envelope(token, key, settings.corp_id) if token and key else None
        self._secret = os.environ.get(settings.secret_env, "")
        name = f"wecom:{settings.corp_id}:{settings.agent_id}"
        self._calls = WechatCalls(settings.api, "企业微信", name, self._ask_token, store, outgoing)
        self._accounts: Mapping[str, str] = {
            user_id.casefold(): account for account, user_id in settings.people.items()
        }

    @property
    def can_call(self) -> bool:
        """Whether we may send cards."""
        return bool(self._secret)

    def user_of(self, account: str) -> str:
        """Who an account is in WeCom; empty where nobody wrote it down."""
        return self.settings.people.get(account, "")

    def account_of(self, user_id: str) -> str:
        """Whose account somebody in WeCom has, whatever the case of the letters; empty for nobody's."""
        return self._accounts.get(user_id.casefold(), "")

    async def close(self) -> None:
        await self._calls.close()

    async def send(self, card: Card, user_id: str, task_id: str, now: datetime) -> None:
        """Send a card to one person. Raises WechatRefused, final where WeCom does not know whom it is for."""
        body = message(card, user_id, self.settings.agent_id, task_id)
        told = await self._calls.call("/cgi-bin/message/send", body, now)
        if told.get("invaliduser") or told.get("unlicenseduser"):
            raise WechatRefused(f"企业微信没有成员“{user_id}”，或他不在应用的可见范围内", final=True)

    async def replace(self, card: Card, user_id: str, task_id: str, response_code: str, now: datetime) -> None:
        """Put another card in place of the one that was answered. Raises WechatRefused."""
        body = replacement(card, user_id, self.settings.agent_id, task_id, response_code)
        await self._calls.call("/cgi-bin/message/update_template_card", body, now)

    async def settle(self, words: str, user_id: str, response_code: str, now: datetime) -> None:
        """Show on the card that was answered what became of it; it cannot be pressed again. Raises WechatRefused."""
        body = settled(words, user_id, self.settings.agent_id, response_code)
        await self._calls.call("/cgi-bin/message/update_template_card", body, now)

    async def _ask_token(self, calls: WechatCalls, anew: bool) -> dict[str, Any]:
        """WeCom gives the same token until it is over, and a new one by itself then: `anew` asks for nothing else."""
        if not self._secret:
            raise WechatRefused(f"环境变量 {self.settings.secret_env} 未设置，不能发任务卡片", final=True)
        return await calls.get("/cgi-bin/gettoken", {"corpid": self.settings.corp_id, "corpsecret": self._secret})
