"""One deployment, as `config.yml` describes it: read, checked whole, every mistake named with its line.

Secrets are not in here: the file names the environment variables that hold them.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from adapters.channel import Channel
from adapters.fields import Plan
from adapters.settings import ChannelSettings, SheetSettings
from domain.category import CategoryTree
from domain.complaint import OWN_SOURCES
from domain.worktime import OfficeHours, Override, Span, WorkCalendar, YellowRule
from intake_bot.config_file import ConfigFile, ConfigurationError, Mistake, Path_, read_config
from intake_bot.conversation.questions import load_questions
from intake_bot.wording import in_chinese
from router.checks import check_router
from router.grid import Boundaries
from router.settings import RouterSettings
from supervision.assessment.settings import AssessmentSettings
from supervision.reports.settings import ReportSettings
from supervision.settings import SupervisionSettings

DEFAULT_CONFIG = "config.yml"
_SPAN = re.compile(r"^(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})$")
_MONTH_DAY = re.compile(r"^(\d{1,2})-(\d{1,2})$")


class Section(BaseModel):
    """A part of the configuration: unknown keys are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class PortalSettings(Section):
    """A portal of the bureau's own (OpenID Connect) that people sign in with. It must answer RS256 or ES256."""

    issuer: str = Field(
        pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1)(:\d+)?(/[^\s?#]*)?)$",
        description="门户的签发地址（issuer），须与门户公布的一字不差",
    )
    client_id: str = Field(min_length=1, description="本系统在门户登记的应用编号")
    secret_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="存放应用密钥的环境变量名")
    button: str = Field(default="用统一门户登录", min_length=2, max_length=20, description="登录页上按钮的文字")
    scopes: tuple[str, ...] = Field(default=("openid", "profile"), description="向门户申请的范围，须含 openid")
    account_claim: str = Field(default="preferred_username", min_length=1, description="身份令牌中哪一项是本系统的账号")
    name_claim: str = Field(default="name", min_length=1, description="身份令牌中哪一项是姓名（由门户建账号时用）")
    role_claim: str = Field(
        default="", description="身份令牌中哪一项决定角色；不填则只有本系统已有的账号可以登录，角色以本系统为准"
    )
    roles: dict[str, Literal["operator", "brigade", "supervisor", "administrator"]] = Field(
        default_factory=dict, description="role_claim 的值到角色；有几个值相符时取写在前面的"
    )
    unit_claim: str = Field(default="", description="身份令牌中哪一项是大队队员所在单位的代码")

    @field_validator("scopes")
    @classmethod
    def _openid(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in written:
            raise ValueError("应含 openid，例如 [openid, profile]")
        return written

    @model_validator(mode="after")
    def _whole(self) -> PortalSettings:
        if bool(self.role_claim) != bool(self.roles):
            raise ValueError("role_claim 和 roles 应同时填写或同时不填")
        if "brigade" in self.roles.values() and not self.unit_claim:
            raise ValueError("roles 中有 brigade 时，应填写 unit_claim（所在单位取自身份令牌的哪一项）")
        return self


class SignInSettings(Section):
    """How long somebody stays signed in on the pages, and whether a portal vouches for people."""

    idle_minutes: int = Field(default=30, ge=5, le=720, description="多少分钟无操作自动退出")
    longest_hours: int = Field(default=12, ge=1, le=72, description="一次登录最长多少小时")
    portal: PortalSettings | None = Field(default=None, description="统一门户登录；不填则只用账号和口令")


class MapSettings(Section):
    """The map on the pages. Cells are always drawn; a background of tiles is optional."""

    tiles: str = Field(
        default="",
        pattern=r"^(https?://[^\s]+\{z\}[^\s]*)?$",
        description="底图瓦片地址，如 https://tiles.example.gov.cn/{z}/{x}/{y}.png；不填则只画网格",
    )
    attribution: str = Field(default="", description="底图的版权说明，显示在地图一角")

    @property
    def tile_origin(self) -> str:
        """The site that tiles come from, as pages must allow it; `{s}` stands for any of its hosts."""
        parts = urlsplit(self.tiles.replace("{s}", "*"))
        return f"{parts.scheme}://{parts.netloc}" if self.tiles else ""


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


class OfficeHoursSettings(Section):
    """Office hours of one part of the year."""

    start: str = Field(default="01-01", alias="from", description="起始月日（含），如 10-01")
    end: str = Field(default="12-31", alias="to", description="截止月日（含），如 04-30")
    spans: tuple[str, ...] = Field(min_length=1, description="每日办公时段，如 08:30-12:00")

    @field_validator("start", "end")
    @classmethod
    def _month_day(cls, written: str) -> str:
        month_day(written)
        return written

    @field_validator("spans")
    @classmethod
    def _readable(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        spans = [span(one) for one in written]
        if any(one.end <= one.start for one in spans) or any(
            later.start < earlier.end for earlier, later in itertools.pairwise(spans)
        ):
            raise ValueError("办公时段应先后排列、互不重叠，例如 [08:30-12:00, 13:30-17:30]")
        return written


class OverrideSettings(Section):
    """A single day that differs from the State Council's calendar."""

    day: date = Field(alias="date", description="日期，如 2026-12-31")
    working: bool = Field(description="true 上班，false 休息")
    note: str = Field(min_length=1, description="依据，如“镇政府通知”")


class YellowSettings(Section):
    """When a light turns yellow."""

    used: float = Field(default=2 / 3, gt=0, lt=1, description="已用时限的比例")
    left_working_days: int = Field(default=1, ge=0, le=30, description="剩余工作日数")
    left_natural_hours: int = Field(default=2, ge=0, le=240, description="连续计时的剩余小时数")


class CalendarSettings(Section):
    """Working days and hours. Days come from the State Council's notices; `overrides` change single ones."""

    office_hours: tuple[OfficeHoursSettings, ...] = Field(min_length=1, description="办公时间")
    overrides: tuple[OverrideSettings, ...] = Field(default=(), description="个别日期的调整")
    yellow: YellowSettings = Field(default_factory=YellowSettings, description="黄灯规则")

    def work_calendar(self) -> WorkCalendar:
        return WorkCalendar(
            office_hours=tuple(
                OfficeHours(tuple(span(each) for each in one.spans), month_day(one.start), month_day(one.end))
                for one in self.office_hours
            ),
            overrides={one.day: Override(one.working, one.note) for one in self.overrides},
            yellow=YellowRule(self.yellow.used, self.yellow.left_working_days, self.yellow.left_natural_hours),
        )


class ConversationSettings(Section):
    """How citizens are answered on our page and in WeChat."""

    questions: str = Field(default="questions.yml", description="问答文件（相对 config.yml）")
    hotline: str = Field(default="12345", pattern=r"^[0-9-]{3,13}$", description="市民想找人工时可拨打的电话")
    keep_days: int = Field(default=90, ge=1, le=3650, description="对话无人继续多少天后删除（工单不受影响）")


class WechatSettings(Section):
    """The official account, and how it is told things. Without an AppID there is none."""

    app_id: str = Field(default="", pattern=r"^(wx[0-9a-z]{4,32})?$", description="公众号 AppID；不填则不接公众号")
    mode: Literal["plain", "compatible", "safe"] = Field(
        default="safe", description="消息加解密方式：plain 明文，compatible 兼容，safe 安全（推荐）"
    )
    token_env: str = Field(
        default="INTAKE_WECHAT_TOKEN", pattern=r"^[A-Z0-9_]+$", description="存放服务器配置 Token 的环境变量名"
    )
    aes_key_env: str = Field(
        default="INTAKE_WECHAT_AES_KEY", pattern=r"^[A-Z0-9_]+$", description="存放 EncodingAESKey 的环境变量名"
    )
    secret_env: str = Field(
        default="INTAKE_WECHAT_SECRET",
        pattern=r"^[A-Z0-9_]+$",
        description="存放 AppSecret 的环境变量名；未设置则不主动告知进展、不收照片",
    )
    api: str = Field(
        default="https://api.weixin.qq.com", pattern=r"^https?://[^\s]+[^/]$", description="公众平台接口地址"
    )
    template: str = Field(default="", description="进展通知的模板消息编号；不填则只发客服消息（48 小时内有过对话的人）")
    template_fields: dict[str, Literal["ticket_no", "matter", "status", "text", "time"]] = Field(
        default_factory=dict, description="模板的字段名到内容：ticket_no、matter、status、text、time"
    )


class Open311Settings(Section):
    """The open standard for municipal reports, GeoReport v2."""

    enabled: bool = Field(
        default=False, description="开放 /open311/v2：任何人可查诉求的事项和办理状态（不含诉求人、内容、保密件、举报件）"
    )


class PhraseSettings(Section):
    """A sentence that a handler can put into a result with one tap, to be completed there."""

    text: str = Field(min_length=2, max_length=200, description="常用语，办结时点选后可再修改")
    matters: tuple[str, ...] = Field(
        default=(), description="只用于这些事项：分类代码，或一级、二级分类名称；不写则各类事项都可用"
    )


class PagesSettings(Section):
    """What the pages offer."""

    phrases: tuple[PhraseSettings, ...] = Field(default=(), description="办理结果常用语")


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
    sign_in: SignInSettings = Field(default_factory=SignInSettings)
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
    wechat: WechatSettings = Field(default_factory=WechatSettings)
    open311: Open311Settings = Field(default_factory=Open311Settings)
    conversation: ConversationSettings = Field(default_factory=ConversationSettings)
    pages: PagesSettings = Field(default_factory=PagesSettings)

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
    for code in settings.delivery.units:
        if code not in units:
            found.append((("delivery", "units", code), f"没有单位“{code}”，可用：{'、'.join(sorted(units))}"))
    accounts = {one.account for unit in settings.router.units for one in unit.people}
    named: list[tuple[Path_, str]] = [
        (("delivery", "people", account), account) for account in settings.delivery.people
    ]
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


def span(written: str) -> Span:
    """`08:30-12:00`. Raises ValueError (Chinese)."""
    found = _SPAN.match(written.strip())
    try:
        if found is None:
            raise ValueError
        first, first_minute, last, last_minute = (int(one) for one in found.groups())
        return Span(time(first, first_minute), time(last, last_minute))
    except ValueError:
        raise ValueError(f"办公时段“{written}”写法不对，应为 08:30-12:00") from None


def month_day(written: str) -> tuple[int, int]:
    """`10-01`. Raises ValueError (Chinese)."""
    found = _MONTH_DAY.match(written.strip())
    try:
        if found is None:
            raise ValueError
        day = date(2024, int(found[1]), int(found[2]))  # a leap year, so that 02-29 can be written
    except ValueError:
        raise ValueError(f"月日“{written}”写法不对，应为 10-01") from None
    return day.month, day.day
