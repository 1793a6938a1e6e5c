"""The `rate_limits` and `outgoing` parts of `config.yml`: how often somebody may call, and whom we call ourselves."""

from __future__ import annotations

import re
from ipaddress import ip_network

from pydantic import Field, field_validator

from intake_bot.section import Section

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?")


class RateLimitSettings(Section):
    """How often somebody may call in a minute, at once or spread over it; 0 for as often as they like.

    Each process counts for itself. Wrong passwords and wrong digits are counted in the database besides, for all of them.
    """

    sign_in: int = Field(default=30, ge=0, description="登录：每个来源地址每分钟最多几次，0 为不限（以下同）")
    conversation: int = Field(default=120, ge=0, description="市民对话：每个来源地址每分钟最多几句")
    pictures: int = Field(default=60, ge=0, description="市民上传照片：每个来源地址每分钟最多几张")
    look_ups: int = Field(default=120, ge=0, description="Open311 查询：每个来源地址每分钟最多几次")
    open311_posts: int = Field(default=30, ge=0, description="Open311 提交诉求：每个来源地址每分钟最多几件")
    account: int = Field(default=6_000, ge=0, description="接口和页面：每个账号或令牌每分钟最多几次请求")
    channel: int = Field(default=120_000, ge=0, description="渠道来件：每个渠道每分钟最多几次请求（签名正确的才计）")


class OutgoingSettings(Section):
    """Whom the service calls by itself. Addresses inside the bureau are called only where the configuration says so."""

    internal: tuple[str, ...] = Field(
        default=(),
        description="允许访问的内网主机名、地址或网段，如 12345.example.gov.cn、10.20.0.0/16；"
        "本文件网址中直接写明的内网地址（如 http://10.1.2.3/）不必再列",
    )

    @field_validator("internal")
    @classmethod
    def _names_or_networks(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        for one in written:
            if not _is_network(one) and (not _HOST_NAME.fullmatch(one) or one.rstrip(".").rpartition(".")[2].isdigit()):
                raise ValueError(f"“{one}”应为主机名、地址或网段，例如 12345.example.gov.cn、10.20.0.0/16")
        return written


def _is_network(written: str) -> bool:
    try:
        ip_network(written)
    except ValueError:
        return False
    return True
