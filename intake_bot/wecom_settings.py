"""The `wecom` part of `config.yml`: how our own people are told of their tasks in 企业微信, and who is who there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pydantic import Field

from intake_bot.config_file import Path_
from intake_bot.section import Section


class WecomSettings(Section):
    """One application of ours in WeCom. Without a CorpID there is none."""

    corp_id: str = Field(
        default="", pattern=r"^(w[wx][0-9a-zA-Z]{4,32})?$", description="企业微信 CorpID；不填则不接企业微信"
    )
    agent_id: int = Field(default=0, ge=0, description="应用的 AgentId")
    token_env: str = Field(
        default="INTAKE_WECOM_TOKEN", pattern=r"^[A-Z0-9_]+$", description="存放应用“接收消息”Token 的环境变量名"
    )
    aes_key_env: str = Field(
        default="INTAKE_WECOM_AES_KEY", pattern=r"^[A-Z0-9_]+$", description="存放 EncodingAESKey 的环境变量名"
    )
    secret_env: str = Field(
        default="INTAKE_WECOM_SECRET",
        pattern=r"^[A-Z0-9_]+$",
        description="存放应用 Secret 的环境变量名；未设置则不发任务卡片",
    )
    api: str = Field(
        default="https://qyapi.weixin.qq.com", pattern=r"^https?://[^\s]+[^/]$", description="企业微信接口地址"
    )
    people: dict[str, str] = Field(
        default_factory=dict, description="账号到企业微信 UserID；写在这里的人在企业微信收任务卡片，其他通知地址不再用"
    )


def check_wecom(settings: WecomSettings, accounts: set[str], public_url: str) -> Iterator[tuple[Path_, str]]:
    """Mistakes that only show against the people and the address of the service: (where, Chinese message)."""
    if settings.corp_id and not settings.agent_id:
        yield ("wecom", "agent_id"), "请填写应用的 AgentId（企业微信管理后台的应用详情里）"
    if settings.corp_id and not public_url:
        yield ("wecom", "corp_id"), "任务卡片要能打开工单，请先在 server.public_url 填写对外访问地址"
    named = Counter(user_id.casefold() for user_id in settings.people.values())
    for account, user_id in settings.people.items():
        where = ("wecom", "people", account)
        if account not in accounts:
            yield where, f"没有账号“{account}”，应为 router.units 中某人的账号"
        if not user_id or len(user_id) > 64 or not user_id.isascii() or not user_id.isprintable() or "|" in user_id:
            yield where, f"“{user_id}”不是企业微信 UserID，应为不超过 64 个字母、数字和 _-@."
        elif named[user_id.casefold()] > 1:
            yield where, f"企业微信 UserID“{user_id}”写给了多个账号，应各不相同（不分大小写）"
