"""One deployment, as `config.yml` describes it: read, checked whole, every mistake named with its line.

Secrets are not in here: the file names the environment variables that hold them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from adapters.channel import Channel
from adapters.fields import Plan
from adapters.settings import ChannelSettings, SheetSettings
from domain.category import CategoryTree
from domain.complaint import OWN_SOURCES
from intake_bot.backup_settings import BackupSettings
from intake_bot.calendar_settings import CalendarSettings
from intake_bot.citizen_settings import ConversationSettings, Open311Settings, WechatSettings
from intake_bot.config_file import ConfigFile, ConfigurationError, Mistake, Path_, read_config
from intake_bot.conversation.questions import load_questions
from intake_bot.exchange_settings import ExchangeSettings, WebhookSettings, check_exchange
from intake_bot.guard_settings import OutgoingSettings, RateLimitSettings
from intake_bot.pages_settings import MapSettings, PagesSettings, SignInSettings
from intake_bot.privacy_settings import PrivacySettings
from intake_bot.section import Section
from intake_bot.wecom_settings import WecomSettings, check_wecom
from intake_bot.wording import in_chinese
from router.checks import check_router
from router.grid import Boundaries
from router.settings import RouterSettings
from supervision.assessment.settings import AssessmentSettings
from supervision.reports.settings import ReportSettings
from supervision.settings import SupervisionSettings

DEFAULT_CONFIG = "config.yml"


class BureauSettings(Section):
    """Whose desk this is."""

    name: str = Field(min_length=2, description="本局名称")
    ticket_prefix: str = Field(pattern=r"^[A-Z]{1,6}$", description="工单编号前缀")


class ServerSettings(Section):
    """Where the service listens. `HOST` and `PORT` override from the environment."""

    host: str = Field(default="127.0.0.1", description="监听地址")
    port: int = Field(default=8080, ge=0, le=65535, description="监听端口，0 为任选空闲端口")
    max_body_bytes: int = Field(default=2_097_152, ge=65_536, le=67_108_864, description="一次请求正文的最大字节数")
    max_picture_bytes: int = Field(default=12_582_912, ge=65_536, le=67_108_864, description="一张照片的最大字节数")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/]+)?$",
        description="对外访问地址，如 https://intake.example.gov.cn；用于登录和通知链接",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="本局反向代理的地址或网段，如 127.0.0.1、10.20.0.0/24；只采信它们写的 X-Forwarded-For",
    )
    hsts_days: int = Field(
        default=180,
        ge=0,
        le=730,
        description="public_url 为 https 时，要求浏览器在多少天内只用 https 访问（HSTS），0 为不要求",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        for one in written:
            try:
                ip_network(one)
            except ValueError:
                raise ValueError(f"“{one}”应为地址或网段，例如 127.0.0.1、10.20.0.0/24") from None
        return written


class RasaEngineSettings(Section):
    """How the Rasa engine is asked."""

    url: str = Field(
        default="", pattern=r"^(https?://[^\s]+)?$", description="已在运行的 Rasa 地址；不填则由本服务启动并看护"
    )
    token_env: str = Field(default="", pattern=r"^[A-Z0-9_]*$", description="存放该 Rasa 令牌的环境变量名")
    timeout_seconds: float = Field(default=2.0, gt=0, le=30, description="等待 Rasa 的最长秒数，超过则由内置引擎回答")
    connections: int = Field(default=4, ge=1, le=64, description="同时询问 Rasa 的连接数")
    longest_text: int = Field(default=600, ge=50, le=1200, description="交给 Rasa 的最长字数")


class NluSettings(Section):
    """The model that reads complaints."""

    engine: Literal["embedded", "rasa"] = Field(
        default="embedded", description="引擎：embedded 内置，rasa（先运行 make rasa）"
    )
    rasa: RasaEngineSettings = Field(default_factory=RasaEngineSettings)
    model_dir: str = Field(default="var/models", description="模型文件夹（相对 config.yml）")


class DeliverySettings(Section):
    """Where the outbox delivers. What has no address here is kept on record and not sent."""

    platforms: dict[str, str] = Field(default_factory=dict, description="渠道代码到回传地址（https://…）")
    units: dict[str, str] = Field(default_factory=dict, description="单位代码到通知地址所在的环境变量名")
    people: dict[str, str] = Field(
        default_factory=dict, description="账号到通知地址所在的环境变量名；没有写的账号用其所在单位的地址"
    )
    timeout_seconds: float = Field(default=10, gt=0, le=120, description="一次投递的最长秒数")
    attempts: int = Field(default=12, ge=1, le=100, description="投递失败多少次后停止并告警")

    @field_validator("platforms")
    @classmethod
    def _addresses(cls, written: dict[str, str]) -> dict[str, str]:
        for code, address in written.items():
            if not re.match(r"^https?://[^\s/]+", address):
                raise ValueError(f"{code} 的回传地址“{address}”应以 http:// 或 https:// 开头")
        return written


class Settings(Section):
    """The whole configuration."""

    bureau: BureauSettings
    server: ServerSettings = Field(default_factory=ServerSettings)
    database_url: str = Field(default="sqlite+aiosqlite:///var/intake.db", description="数据库地址")
    backup: BackupSettings = Field(default_factory=BackupSettings)
    sign_in: SignInSettings = Field(default_factory=SignInSettings)
    rate_limits: RateLimitSettings = Field(default_factory=RateLimitSettings)
    outgoing: OutgoingSettings = Field(default_factory=OutgoingSettings)
    map: MapSettings = Field(default_factory=MapSettings)
    nlu: NluSettings = Field(default_factory=NluSettings)
    calendar: CalendarSettings
    channels: dict[str, ChannelSettings] = Field(min_length=1, description="渠道")
    sheets: tuple[SheetSettings, ...] = Field(default=(), description="可导入的表格")
    router: RouterSettings
    supervision: SupervisionSettings = Field(default_factory=SupervisionSettings)
    assessment: AssessmentSettings = Field(default_factory=AssessmentSettings)
    reports: ReportSettings = Field(default_factory=ReportSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    exchange: ExchangeSettings = Field(default_factory=ExchangeSettings)
    webhooks: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")], WebhookSettings] = Field(
        default_factory=dict, description="接收事件的其他系统"
    )
    wechat: WechatSettings = Field(default_factory=WechatSettings)
    wecom: WecomSettings = Field(default_factory=WecomSettings)
    open311: Open311Settings = Field(default_factory=Open311Settings)
    conversation: ConversationSettings = Field(default_factory=ConversationSettings)
    pages: PagesSettings = Field(default_factory=PagesSettings)
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)

    def called_addresses(self) -> list[str]:
        """The URLs that the service calls by itself; those of notices to people are secrets of the environment."""
        exchange, portal = self.exchange, self.sign_in.portal
        return [
            *self.delivery.platforms.values(),
            *(one.url for one in exchange.ledgers.values()),
            *(one.url for one in exchange.pulls.values()),
            *(one.url for one in self.webhooks.values()),
            self.wechat.api,
            self.wecom.api,
            *([portal.issuer] if portal is not None else ()),
        ]

    @field_validator("channels", mode="before")
    @classmethod
    def _named_by_key(cls, written: Any) -> Any:
        """A channel's code is its key; it is not written twice."""
        if not isinstance(written, Mapping):
            return written
        return {code: {"code": code, **one} if isinstance(one, Mapping) else one for code, one in written.items()}


@dataclass(frozen=True, slots=True)
class Deployment:
    """The settings with what belongs to them on disk and in the environment."""

    settings: Settings
    boundaries: Boundaries
    file: Path

    @property
    def folder(self) -> Path:
        return self.file.parent

    def path(self, written: str) -> Path:
        """A path of the configuration: relative ones start at the folder of `config.yml`."""
        return self.folder / written

    @property
    def database_url(self) -> str:
        """The database, with the driver named and a relative SQLite file placed beside `config.yml`."""
        return database_url(os.environ.get("DATABASE_URL") or self.settings.database_url, self.folder)

    @property
    def host(self) -> str:
        return os.environ.get("HOST") or self.settings.server.host

    @property
    def port(self) -> int:
        """Raises ConfigurationError for a `PORT` that is none."""
        written = os.environ.get("PORT", "")
        if not written:
            return self.settings.server.port
        if not written.isascii() or not written.isdigit() or int(written) > 65535:
            raise ConfigurationError(
                Path("PORT"), [Mistake(0, "", f"环境变量 PORT“{written}”应为 0 至 65535 的整数，例如 8080")]
            )
        return int(written)

    @property
    def unset(self) -> list[tuple[str, str]]:
        """Variables of the official account and of 企业微信 that are not set, each with what does not work without it."""
        wechat, wecom = self.settings.wechat, self.settings.wecom
        found: list[tuple[str, str]] = []
        if wechat.app_id:
            found += [(wechat.token_env, "公众号不能收消息"), (wechat.secret_env, "公众号不能主动告知进展、收照片")]
        if wechat.app_id and wechat.mode != "plain":
            found.append((wechat.aes_key_env, "公众号不能收加密的消息"))
        if wecom.corp_id:
            found += [(one, "不能在企业微信里签收") for one in (wecom.token_env, wecom.aes_key_env)]
            found.append((wecom.secret_env, "企业微信不能发任务卡片"))
        return [(variable, said) for variable, said in found if not os.environ.get(variable)]

    @property
    def secrets(self) -> dict[str, str]:
        """Channel code → signing secret; empty where its variable is not set."""
        return {code: os.environ.get(one.secret_env, "") for code, one in self.settings.channels.items()}


def config_path() -> Path:
    """`CONFIG` from the environment, else `config.yml` in the current folder."""
    return Path(os.environ.get("CONFIG") or DEFAULT_CONFIG)


def load_deployment(path: Path, tree: CategoryTree) -> Deployment:
    """Read and check everything. Raises ConfigurationError with every mistake that could be found."""
    file = read_config(path)
    settings = _validated(file)
    boundaries, mistakes = _boundaries(file, settings)
    if boundaries is not None:
        mistakes += [file.mistake(("router", *where), said) for where, said in _router(settings, tree, boundaries)]
    mistakes += [file.mistake(where, said) for where, said in _across(settings)]
    mistakes += [file.mistake(where, said) for where, said in _phrases(settings.pages, tree)]
    questions = partial(load_questions, path.absolute().parent / settings.conversation.questions)
    mistakes += [file.mistake(where, said) for where, said in _reported(("conversation", "questions"), questions)]
    if mistakes or boundaries is None:
        raise ConfigurationError(path, mistakes)
    return Deployment(settings, boundaries, path.absolute())


def _validated(file: ConfigFile) -> Settings:
    try:
        return Settings.model_validate(file.data)
    except ValidationError as error:
        found = [(_readable(one["loc"]), one) for one in error.errors()]
        raise ConfigurationError(
            file.path,
            [file.mistake(where, in_chinese(one)) for where, one in found if not _consequence(where, one, found)],
        ) from None


def _consequence(where: Path_, error: Any, found: Sequence[tuple[Path_, Any]]) -> bool:
    """A list whose members are wrong is also called too short; that is not said beside what is wrong with them."""
    inside = any(other[: len(where)] == where and other != where for other, _ in found)
    return bool(error["type"] == "too_short" and inside)


def _readable(where: tuple[str | int, ...]) -> Path_:
    """Pydantic names the members of unions by class; people do not write those."""
    return tuple(part for part in where if not (isinstance(part, str) and part.endswith("Settings")))


def _boundaries(file: ConfigFile, settings: Settings) -> tuple[Boundaries | None, list[Mistake]]:
    written = settings.router.territory.boundaries
    where = ("router", "territory", "boundaries")
    try:
        return Boundaries.read((file.path.absolute().parent / written).read_text(encoding="utf-8")), []
    except OSError:
        return None, [file.mistake(where, f"读不到网格边界文件 {written}，路径相对 {file.path.name} 所在文件夹")]
    except (ValueError, KeyError, TypeError) as error:
        return None, [file.mistake(where, f"网格边界文件 {written} 不是可用的 GeoJSON（{error}）")]


def _router(settings: Settings, tree: CategoryTree, boundaries: Boundaries) -> list[tuple[Path_, str]]:
    channels = frozenset(settings.channels) | OWN_SOURCES
    return check_router(settings.router, tree, boundaries, channels)


def _across(settings: Settings) -> list[tuple[Path_, str]]:
    """Mistakes that only show when one section is held against another."""
    found: list[tuple[Path_, str]] = []
    paths: dict[str, str] = {}
    for code, one in settings.channels.items():
        if code in OWN_SOURCES:
            found.append((("channels", code), f"{code} 是本局自己的来源，不能用作渠道代码"))
        if one.path in paths:
            found.append((("channels", code, "path"), f"接收地址 {one.path} 与渠道 {paths[one.path]} 相同，应各不相同"))
        paths.setdefault(one.path, code)
        found += _reported(("channels", code), partial(Channel, one))
    seen: set[str] = set()
    for index, sheet in enumerate(settings.sheets):
        if sheet.channel not in settings.channels:
            known = "、".join(settings.channels)
            found.append((("sheets", index, "channel"), f"没有渠道“{sheet.channel}”，可用：{known}"))
        if sheet.code in seen:
            found.append((("sheets", index, "code"), f"表格代码 {sheet.code} 重复，应各不相同"))
        seen.add(sheet.code)
        found += _reported(
            ("sheets", index), partial(Plan, sheet, sheet.all_columns(), sheet.constants, from_sheet=True)
        )
    units = {one.code for one in settings.router.units}
    for code in settings.delivery.platforms:
        if code not in settings.channels:
            found.append((("delivery", "platforms", code), f"没有渠道“{code}”，可用：{'、'.join(settings.channels)}"))
    with_sheets = {one.channel for one in settings.sheets}
    found += check_exchange(settings.exchange, settings.channels, with_sheets)
    for code in settings.delivery.units:
        if code not in units:
            found.append((("delivery", "units", code), f"没有单位“{code}”，可用：{'、'.join(sorted(units))}"))
    accounts = {one.account for unit in settings.router.units for one in unit.people}
    named: list[tuple[Path_, str]] = [
        (("delivery", "people", account), account) for account in settings.delivery.people
    ]
    found += check_wecom(settings.wecom, accounts, settings.server.public_url)
    named += [(("reports", "tell", index), account) for index, account in enumerate(settings.reports.tell)]
    found += [
        (where, f"没有账号“{account}”，应为 router.units 中某人的账号")
        for where, account in named
        if account not in accounts
    ]
    return found


def _phrases(pages: PagesSettings, tree: CategoryTree) -> list[tuple[Path_, str]]:
    known = set(tree.leaves)
    for leaf in tree.leaves.values():
        known |= {leaf.group, leaf.branch}
    return [
        (("pages", "phrases", index, "matters"), f"没有事项“{matter}”，应为事项分类代码或一级、二级分类名称")
        for index, phrase in enumerate(pages.phrases)
        for matter in phrase.matters
        if matter not in known
    ]


def _reported(where: Path_, build: Callable[[], object]) -> list[tuple[Path_, str]]:
    try:
        build()
    except ValueError as error:
        return [(where, str(error))]
    return []


def database_url(written: str, folder: Path) -> str:
    """A URL that SQLAlchemy's asyncio engines take, from what people write: `postgresql://…`, `sqlite:///var/x.db`."""
    for plain, driver in (
        ("postgresql://", "postgresql+asyncpg://"),
        ("postgres://", "postgresql+asyncpg://"),
        ("sqlite://", "sqlite+aiosqlite://"),
    ):
        if written.startswith(plain):
            written = driver + written.removeprefix(plain)
    prefix = "sqlite+aiosqlite:///"
    if written.startswith(prefix) and not written.startswith(prefix + "/"):
        return f"{prefix}{folder / written.removeprefix(prefix)}"
    return written
