"""The `backup` part of `config.yml`: where backups go, how many stay, and when one is missed."""

from __future__ import annotations

from datetime import time
from typing import Any

from pydantic import Field, field_validator

from intake_bot.section import Section


class BackupSettings(Section):
    """Backups of the database."""

    folder: str = Field(
        default="var/backups", min_length=1, description="备份文件夹（相对 config.yml）；每个部署用自己的"
    )
    keep: int = Field(default=14, ge=1, le=3660, description="文件夹中保留最近多少份备份")
    warn_after_days: int = Field(default=2, ge=1, le=366, description="最近一次备份超过多少天，系统管理页面提醒")
    at: time | None = Field(default=None, description="每日自动备份的时间，如 01:30；不写则不自动备份")

    @field_validator("at", mode="before")
    @classmethod
    def _empty_is_none(cls, written: Any) -> Any:
        return None if written == "" else written
