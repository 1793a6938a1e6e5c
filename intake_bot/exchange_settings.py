"""The `exchange` and `webhooks` parts of `config.yml`: what is fetched from platforms, and who is told of events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import time

from pydantic import Field, field_validator

from adapters.settings import ChannelSettings
from intake_bot.config_file import Path_
from intake_bot.event_names import EVENTS
from intake_bot.section import Section

_ADDRESS = r"^https?://[^\s/]+\S*$"


class LedgerSettings(Section):
    """A platform's list of its tickets, held against ours each night."""

    url: str = Field(pattern=_ADDRESS, description="平台工单列表的地址，翻页参数为 since、until、page")
    days: int = Field(default=30, ge=1, le=366, description="核对最近多少天的来件")


class PullSettings(Section):
    """A platform that does not push: its list is fetched again and again."""

    url: str = Field(pattern=_ADDRESS, description="平台工单列表的地址，翻页参数为 since、until、page")
    every_minutes: int = Field(default=5, ge=1, le=1440, description="每隔多少分钟拉取一次")
    window_hours: int = Field(default=24, ge=1, le=744, description="一次请求的时间段，小时；落后较多时分段补上")
    overlap_minutes: int = Field(default=30, ge=0, le=1440, description="每次向前重叠多少分钟，以免漏掉晚到的")
    first_days: int = Field(default=7, ge=0, le=366, description="第一次从多少天以前开始")


class FolderSettings(Section):
    """A platform that exports tables into a folder: each file is taken in once, by its content."""

    path: str = Field(min_length=1, description="文件夹（相对 config.yml）；办完移入其中的 done 或 refused")
    every_minutes: int = Field(default=1, ge=1, le=1440, description="每隔多少分钟查看一次")
    settle_seconds: int = Field(default=10, ge=0, le=3600, description="文件最后改动多少秒以后才读，以免读到写了一半的")


class ExchangeSettings(Section):
    """What is fetched from platforms."""

    reconcile_at: time = Field(default=time(2, 30), description="每日对账时间")
    ledgers: dict[str, LedgerSettings] = Field(default_factory=dict, description="渠道代码到平台台账，每晚与我方核对")
    pulls: dict[str, PullSettings] = Field(default_factory=dict, description="渠道代码到要拉取的平台列表")
    folders: dict[str, FolderSettings] = Field(default_factory=dict, description="渠道代码到要查看的表格文件夹")
    timeout_seconds: float = Field(default=30, gt=0, le=300, description="取一页列表的最长秒数")


class WebhookSettings(Section):
    """Another system that is told of events."""

    url: str = Field(pattern=_ADDRESS, description="接收事件的地址")
    secret_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="存放签名密钥的环境变量名；未设置则不发送")
    events: tuple[str, ...] = Field(default=(), description="只推送这些事件；不写为全部。事件名称见 docs/asyncapi.json")

    @field_validator("events")
    @classmethod
    def _known(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [one for one in written if one not in EVENTS]
        if unknown:
            raise ValueError(f"没有这些事件：{'、'.join(unknown)}；可用：{'、'.join(EVENTS)}")
        return written


def check_exchange(
    exchange: ExchangeSettings, channels: Mapping[str, ChannelSettings], with_sheets: Collection[str]
) -> list[tuple[Path_, str]]:
    """Channels that there are not, or whose lists or tables nobody could read: where in the file, and a Chinese sentence.

    `with_sheets`: the channels that some table is mapped for.
    """
    found: list[tuple[Path_, str]] = []
    for section, codes in (
        ("ledgers", exchange.ledgers.keys()),
        ("pulls", exchange.pulls.keys()),
        ("folders", exchange.folders.keys()),
    ):
        for code in codes:
            where = ("exchange", section, code)
            if code not in channels:
                found.append((where, f"没有渠道“{code}”，可用：{'、'.join(channels)}"))
            elif section == "folders" and code not in with_sheets:
                found.append((where, f"渠道“{code}”没有表格对照，请在 sheets 中写明"))
            elif section != "folders" and channels[code].listing is None:
                found.append((where, f"渠道“{code}”没有列表格式，请在 channels.{code}.listing 中写明"))
    return found
