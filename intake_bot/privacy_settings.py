"""The `privacy` part of `config.yml`: how, and how long, what people told us is kept."""

from __future__ import annotations

from pydantic import Field

from intake_bot.section import Section


class PrivacySettings(Section):
    """Sealing and erasing of personal data. The keys themselves never stand in the configuration."""

    key_file: str = Field(
        default="var/intake.keys",
        min_length=1,
        description="数据加密密钥文件（相对 config.yml），首次启动时生成；环境变量 INTAKE_KEYS 有值时不用文件",
    )
    keep_finished_days: int = Field(
        default=1827,
        ge=0,
        le=36_525,
        description="工单了结多少天后清除其中的个人信息（统计数字和留痕不受影响），0 为长期保留",
    )
