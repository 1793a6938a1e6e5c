"""The router's part of `config.yml`: units, people, grids, place words, rules, limits, return reasons."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.complaint import Kind, Urgency
from domain.limit import Limit, Stage


class Section(BaseModel):
    """A part of the configuration: unknown keys are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _readable_limit(written: str) -> str:
    Limit.parse(written)
    return written


WrittenLimit = Annotated[str, AfterValidator(_readable_limit)]
"""A limit as people write it: `3 working_days`."""


class OffDuty(Section):
    """A stretch of time in which somebody is away; the B post takes over."""

    start: datetime = Field(alias="from", description="离岗开始时间")
    end: datetime = Field(alias="to", description="离岗结束时间")


class Person(Section):
    """Somebody who can be named as owner, backup or head."""

    account: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,62}$", description="账号")
    name: str = Field(min_length=1, description="姓名或岗位名称")
    off_duty: tuple[OffDuty, ...] = Field(default=(), description="离岗时段")


class UnitSettings(Section):
    """A brigade, the command centre or the supervision group."""

    code: str = Field(description="单位代码")
    name: str = Field(min_length=1, description="单位名称")
    head: str = Field(description="负责人账号（大队负责人即网格总负责人）")
    backup: str = Field(description="负责人离岗时的代理人账号")
    people: tuple[Person, ...] = Field(min_length=1, description="人员")


class Area(Section):
    """执法责任区: the second level of the grids."""

    code: str = Field(description="责任区代码")
    name: str = Field(min_length=1, description="责任区名称")


class PlaceSettings(Section):
    """A community or village: the ground of one cell in each of the three grids."""

    code: str = Field(pattern=r"^\d{3}$", description="统计用区划代码后三位")
    name: str = Field(min_length=2, description="社区或村名称")
    area: str = Field(description="所属责任区代码")
    words: tuple[str, ...] = Field(default=(), description="地名词：别名、道路、小区、地标")


class Posts(Section):
    """Owner (A) and backup (B) of an area or cell."""

    owner: str = Field(description="A岗账号")
    backup: str = Field(description="B岗账号")


class GridSettings(Section):
    """One of the three grids; its cells are the communities and villages, `<grid>-<place>`."""

    code: str = Field(pattern=r"^[a-z]{2}$", description="网格代码前缀")
    name: str = Field(min_length=1, description="网格名称")
    unit: str = Field(description="总负责单位代码")
    areas: dict[str, Posts] = Field(description="各责任区的A、B岗")
    cells: dict[str, Posts] = Field(default_factory=dict, description="个别管理小组单独指定的A、B岗（键为村社区代码）")


class Territory(Section):
    """The town: areas, places and the three grids laid over them."""

    town: str = Field(min_length=1, description="镇名")
    boundaries: str = Field(description="网格边界 GeoJSON 文件（相对 config.yml）")
    areas: tuple[Area, ...] = Field(min_length=1, description="执法责任区")
    places: tuple[PlaceSettings, ...] = Field(min_length=1, description="社区和村")
    grids: tuple[GridSettings, ...] = Field(min_length=1, description="三大网格")


class When(Section):
    """What a rule looks at; every named condition must hold, each holds when any of its values does."""

    category: tuple[str, ...] = Field(default=(), description="事项分类代码")
    group: tuple[str, ...] = Field(default=(), description="事项二级分类名称")
    branch: tuple[str, ...] = Field(default=(), description="事项一级分类名称")
    kind: tuple[Kind, ...] = Field(default=(), description="诉求类型")
    urgency: tuple[Urgency, ...] = Field(default=(), description="紧急程度")
    channel: tuple[str, ...] = Field(default=(), description="渠道代码")
    place: tuple[str, ...] = Field(default=(), description="村社区代码")
    area: tuple[str, ...] = Field(default=(), description="责任区代码")
    risk: tuple[str, ...] = Field(default=(), description="风险标记")
    words: tuple[str, ...] = Field(default=(), description="内容中出现的词")
    hours: tuple[int, int] | None = Field(default=None, description="反映时间所在的钟点，如 [22, 6] 表示夜间")


class Then(Section):
    """What a rule does. The first matching rule that names a destination decides it; helpers and urgency add up."""

    unit: str | None = Field(default=None, description="主办单位代码")
    department: str | None = Field(default=None, description="外部门代码")
    desk: bool = Field(default=False, description="转人工研判")
    helpers: tuple[str, ...] = Field(default=(), description="协办单位代码")
    urgency: Urgency | None = Field(default=None, description="至少提高到的紧急程度")


class RuleSettings(Section):
    """A routing rule."""

    id: str = Field(pattern=r"^R-[a-z0-9-]+$", description="规则编号")
    name: str = Field(min_length=2, description="规则名称")
    when: When = Field(description="条件")
    then: Then = Field(description="处置")


class LimitSettings(Section):
    """A row of the limits table; what is left out matches anything. The most specific row in force counts."""

    id: str = Field(pattern=r"^L-[a-z0-9-]+$", description="时限编号")
    stage: Stage = Field(description="环节")
    limit: WrittenLimit = Field(description="时限，如 3 working_days")
    channel: str | None = Field(default=None, description="渠道代码")
    kind: Kind | None = Field(default=None, description="诉求类型")
    urgency: Urgency | None = Field(default=None, description="紧急程度")
    category: str | None = Field(default=None, description="事项分类代码或时限类别")
    valid_from: date | None = Field(default=None, description="生效日期（含）")
    valid_to: date | None = Field(default=None, description="失效日期（不含）")


class ReturnReason(Section):
    """A reason for which a unit may return a ticket."""

    code: str = Field(pattern=r"^[A-Z]\d{1,2}$", description="退单原因代码")
    name: str = Field(min_length=2, description="退单原因")


class JoiningSettings(Section):
    """同一事件: from which chance on two tickets are proposed as one trouble, or joined by rule."""

    propose: float = Field(default=0.4, ge=0.05, le=1, description="可能性不低于此值的，提请坐席认定为同一事件")
    confidence: float | None = Field(
        default=None,
        ge=0.5,
        le=1,
        description="可能性不低于此值且地点、对象或原文吻合的，按规则自动并为同一事件；不填则都由人认定",
    )


class RouterSettings(Section):
    """Everything the router goes by."""

    threshold: float = Field(ge=0, le=1, description="置信度低于此值的转人工研判")
    margin: WrittenLimit = Field(description="我局时限比平台时限提前多少")
    units: tuple[UnitSettings, ...] = Field(min_length=1, description="承办单位")
    territory: Territory = Field(description="责任网格")
    rules: tuple[RuleSettings, ...] = Field(default=(), description="派单规则")
    limits: tuple[LimitSettings, ...] = Field(min_length=1, description="时限表")
    return_reasons: tuple[ReturnReason, ...] = Field(min_length=1, description="退单原因")
    joining: JoiningSettings = Field(default_factory=JoiningSettings, description="同一事件的认定")

    @property
    def place_words(self) -> frozenset[str]:
        """All words that name a place of the town, for the model to find in texts."""
        territory = self.territory
        return frozenset(word for place in territory.places for word in words_of(place, territory.town))


def words_of(place: PlaceSettings, town: str) -> tuple[str, ...]:
    """The words that name a place: its configured ones, its name, and the name without 村 or 社区.

    A place that bears the town's own name is not known by the bare name: “凤凰” names the whole of 凤凰镇.
    """
    short = place.name.removesuffix("社区").removesuffix("村")
    bare = (short,) if len(short) >= 2 and short not in {town, town.removesuffix("镇")} else ()
    office = f"{short}村委会" if place.name.endswith("村") else f"{short}居委会"
    return tuple(dict.fromkeys((place.name, office, *bare, *place.words)))
