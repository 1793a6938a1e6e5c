"""The configuration of channels and sheets: field maps as data. Another city's names, words and formats go here alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Self, cast
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from adapters.answers import ActionsSettings, ReceiptSettings
from adapters.canonical import FIELDS, INDISPENSABLE, CodeField, FieldName
from adapters.codes import SchemeSettings
from adapters.listing import ListingSettings
from adapters.times import check_format


class FieldSettings(BaseModel):
    """Where one canonical field comes from and how its value is read. A plain string stands for `from` alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: tuple[str, ...] = Field(
        alias="from", min_length=1, description="来源字段名；JSON 中用点号进入内层；列出多个时取第一个有值的"
    )
    required: bool = Field(False, description="是否必填")
    format: tuple[str, ...] = Field(
        (),
        description="时间格式，依次尝试：strptime 数字格式，或 iso、iso_zone（必须带时区）、epoch、excel；空为常用格式",
    )
    values: dict[str, str | bool] = Field(default_factory=dict, description="来源用词到本系统取值的对照")
    unknown: Literal["refuse", "keep"] | None = Field(
        None, description="未知取值：refuse 退回，keep 照收（不作判断）；诉求类型默认 keep，其余默认 refuse"
    )
    version_suffix: str = Field("", description="编号末尾表示重办次数的部分，正则表达式，括号内为次数")

    @model_validator(mode="before")
    @classmethod
    def _plain_name(cls, written: Any) -> Any:
        return _as_mapping(written)

    @field_validator("from_", mode="before")
    @classmethod
    def _one_name(cls, written: Any) -> Any:
        return (written,) if isinstance(written, str) else written

    @field_validator("from_")
    @classmethod
    def _named(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() for name in names):
            raise ValueError("来源字段名不能为空")
        return names

    @field_validator("format", mode="before")
    @classmethod
    def _one_format(cls, written: Any) -> Any:
        return (written,) if isinstance(written, str) else written

    @field_validator("format")
    @classmethod
    def _formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_format(one) for one in formats)

    @field_validator("version_suffix")
    @classmethod
    def _expression(cls, expression: str) -> str:
        try:
            groups = re.compile(expression).groups
        except re.error as error:
            raise ValueError(f"不是有效的正则表达式：{error}") from None
        if expression and groups != 1:
            raise ValueError("应恰有一对括号，括住重办次数的数字")
        return expression


class FingerprintSettings(BaseModel):
    """A number made from a row's content, for tables that have no number column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: tuple[FieldName, ...] = Field(description="参与生成编号的字段（规范名）", min_length=1)
    headings: tuple[str, ...] = Field(
        default=(), description="另外参与生成编号的列名，用于其余内容相同、却是不同诉求的表格"
    )


class MapSettings(BaseModel):
    """What channels and sheets share: how the source writes places, times and codes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    coordinate_system: Literal["wgs84", "gcj02"] = Field(
        "wgs84", description="来源坐标系：wgs84 或 gcj02（高德、腾讯）"
    )
    coordinate_order: Literal["lon_lat", "lat_lon"] = Field(
        "lon_lat", description="一个字段内两个坐标的先后；写反时按中国范围自动换回"
    )
    timezone: str = Field("Asia/Shanghai", description="来源时间所在时区")
    schemes: dict[CodeField, tuple[SchemeSettings, ...]] = Field(
        default_factory=dict, description="代码字段的编码方案，依次查找"
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"没有时区“{timezone}”，如 Asia/Shanghai") from None
        return timezone


class ChannelSettings(MapSettings):
    """One channel of `config.yml`. Its maps start from those of its adapter's `fields.yml` and `actions.yml`."""

    code: str = Field(description="渠道代码，如 12345", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    name: str = Field(description="渠道名称，如 12345便民服务", min_length=1)
    path: str = Field(description="接收地址，如 /channels/12345/tickets", pattern=r"^/[A-Za-z0-9/_.-]+$")
    adapter: str = Field(description="报文格式，为 adapters 下含 fields.yml 的文件夹名，如 hotline_12345")
    secret_env: str = Field(description="存放签名密钥的环境变量名", pattern=r"^[A-Z][A-Z0-9_]*$")
    max_members: int = Field(500, description="一次最多发送的件数", ge=1, le=10_000)
    fields: dict[FieldName, FieldSettings] = Field(
        default_factory=dict, description="字段对照：规范名到来源字段；只写与默认不同的，写 null 表示来源没有此字段"
    )
    defaults: dict[FieldName, str | bool] = Field(default_factory=dict, description="来源没有值时采用的值")
    actions: ActionsSettings | None = Field(None, description="平台后续消息的对照（催办、撤单、延期答复等）")
    receipt: ReceiptSettings | None = Field(None, description="平台对我方回传的回答；不填则以 HTTP 状态码为准")
    listing: ListingSettings | None = Field(None, description="平台工单列表的格式，用于拉取和对账")

    @model_validator(mode="before")
    @classmethod
    def _with_adapter_defaults(cls, written: Any) -> Any:
        if not isinstance(written, Mapping) or written.get("adapter") not in known_adapters():
            return written
        base = adapter_map(str(written["adapter"]))
        merged = {**base, **written}
        for section in ("schemes", "defaults", "actions", "receipt", "listing"):
            if isinstance(written.get(section), Mapping):
                merged[section] = {**base.get(section, {}), **written[section]}
        if isinstance(written.get("fields"), Mapping):
            merged["fields"] = _merged_fields(base["fields"], written["fields"])
        return merged

    @field_validator("adapter")
    @classmethod
    def _known(cls, adapter: str) -> str:
        if adapter not in known_adapters():
            raise ValueError(f"没有报文格式“{adapter}”，可用：{'、'.join(known_adapters())}")
        return adapter

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name in INDISPENSABLE:
            if name not in self.fields or not self.fields[name].required:
                raise ValueError(f"fields.{name}（{FIELDS[name].label}）不能省去，也不能改为选填")
        check_options(self.fields, self)
        return self


class SheetSettings(MapSettings):
    """How one kind of exported table (.xlsx, .xls, .csv) becomes complaints of a channel."""

    code: str = Field(description="表格代码，如 12345-export", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    name: str = Field(description="表格名称，如 12345工单导出表", min_length=1)
    channel: str = Field(description="所属渠道代码，如 12345", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    source_no: FieldSettings | FingerprintSettings = Field(
        description="编号列；没有编号列时写 {fingerprint: [reported_at, title, content]}，由这些内容生成编号"
    )
    columns: dict[FieldName, FieldSettings] = Field(description="规范名到列名（可列多个写法）")
    constants: dict[FieldName, str | bool] = Field(default_factory=dict, description="整张表相同的值，如受理方式")

    @field_validator("source_no", mode="before")
    @classmethod
    def _one_form(cls, written: Any, info: ValidationInfo) -> Any:
        """Decide by the word that stands there, so that a mistake is reported against the form that was meant."""
        if isinstance(written, Mapping) and "fingerprint" in written:
            return FingerprintSettings.model_validate(written)
        if isinstance(written, str | list | Mapping):
            return FieldSettings.model_validate(written)
        return written

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if "source_no" in self.columns:
            raise ValueError("编号列写在 source_no，不写在 columns")
        if "content" not in self.columns:
            raise ValueError("columns 缺少 content（诉求内容）")
        if "reported_at" not in self.columns and "reported_at" not in self.constants:
            raise ValueError("columns 缺少 reported_at（反映时间）")
        if isinstance(self.source_no, FingerprintSettings):
            absent = [name for name in self.source_no.fingerprint if name not in self.columns]
            if absent:
                raise ValueError(f"fingerprint 中的 {'、'.join(absent)} 不在 columns 中")
        check_options(self.all_columns(), self)
        return self

    def all_columns(self) -> dict[FieldName, FieldSettings]:
        """The columns with that of the number, and with those marked as required that a row cannot do without."""
        columns = dict(self.columns)
        if isinstance(self.source_no, FieldSettings):
            columns["source_no"] = self.source_no
        for name in ("source_no", "content", "reported_at"):
            if name in columns:
                columns[name] = columns[name].model_copy(update={"required": True})
        return columns


def check_options(fields: Mapping[FieldName, FieldSettings], settings: MapSettings) -> None:
    """Refuse options that their field would not listen to, and codes without a scheme. Raises `ValueError`."""
    for name, one in fields.items():
        shape = FIELDS[name].shape
        ignored = {
            option
            for option in ("format", "values", "unknown", "version_suffix")
            if getattr(one, option) and option not in shape.options
        }
        if ignored:
            raise ValueError(f"字段 {name}（{FIELDS[name].label}）不使用 {'、'.join(sorted(ignored))}")
        if shape.word in ("code", "codes") and not settings.schemes.get(cast(CodeField, name)):
            raise ValueError(f"schemes 缺少 {name}（{FIELDS[name].label}）的编码方案")


@cache
def known_adapters() -> tuple[str, ...]:
    """The folders here that hold a `fields.yml`."""
    return tuple(
        sorted(one.name for one in files("adapters").iterdir() if one.is_dir() and (one / "fields.yml").is_file())
    )


@cache
def adapter_map(adapter: str) -> dict[str, Any]:
    """The maps that an adapter brings along: `fields.yml`, and `actions.yml` where its platform says anything later."""
    folder = files("adapters").joinpath(adapter)
    loaded: dict[str, Any] = yaml.safe_load(folder.joinpath("fields.yml").read_text("utf-8"))
    if (actions := folder.joinpath("actions.yml")).is_file():
        loaded |= yaml.safe_load(actions.read_text("utf-8"))
    return loaded


def _as_mapping(written: Any) -> Any:
    return {"from": written} if isinstance(written, str | list | tuple) else written


def _merged_fields(base: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Field by field: a name alone replaces the name, a mapping replaces what it names, null takes the field away."""
    merged = {name: _as_mapping(one) for name, one in base.items()}
    for name, one in written.items():
        if one is None:
            merged.pop(name, None)
            continue
        over = _as_mapping(one)
        under = merged.get(name, {})
        if not isinstance(over, Mapping):
            merged[name] = one
            continue
        merged[name] = {**under, **over}
        if isinstance(under.get("values"), Mapping) and isinstance(over.get("values"), Mapping):
            merged[name]["values"] = {**under["values"], **over["values"]}
    return merged
