"""The `supervision` part of `config.yml`: how often the timers look, who is told when, what counts as a gap."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.complaint import Urgency
from domain.light import Light
from domain.limit import Limit


class Section(BaseModel):
    """A part of the configuration: unknown keys are mistakes, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _readable_limit(written: str) -> str:
    Limit.parse(written)
    return written


WrittenLimit = Annotated[str, AfterValidator(_readable_limit)]
"""A limit as people write it: `1 working_days`."""


class Recipient(StrEnum):
    """Who can be told of a light."""

    HANDLER = "handler"  # 经办人
    BACKUP = "backup"  # B岗
    UNIT_HEAD = "unit_head"  # 大队负责人
    BUREAU_HEAD = "bureau_head"  # 局领导
    SUPERVISION = "supervision"  # 督办人员: who watches the desk


class PressOrder(Section):
    """督办 by rule: what is demanded, and by when, of a unit whose resolve limit has passed."""

    requirement: str = Field(min_length=2, description="督办要求")
    within: WrittenLimit = Field(description="督办限期，自督办之时起算，如 1 working_days")


class OrderSettings(Section):
    """督办 by rule besides the ladder, and how orders that are not answered are raised from 蓝 to 橙 to 红."""

    raise_within: WrittenLimit = Field(default="1 working_days", description="督办逾期未答复，升一级后的新限期")
    urges: int = Field(default=3, ge=1, description="催办和退回重办合计达到多少次仍未办结的，自动督办（蓝色）")
    urged: PressOrder = Field(
        default=PressOrder(requirement="市民多次催办，请抓紧办理并说明进展", within="1 working_days"),
        description="多次催办的督办",
    )
    refused: PressOrder = Field(
        default=PressOrder(requirement="已裁定由你单位承办而仍逾期，请立即办理并书面说明原因", within="1 working_days"),
        description="裁定应由其承办而仍逾期的督办（橙色）",
    )
    unanswered: tuple[Recipient, ...] = Field(
        default=(Recipient.BUREAU_HEAD, Recipient.SUPERVISION), description="红色督办逾期仍未答复时的通知对象"
    )


class EscalationStep(Section):
    """One step of the ladder: at this light, so long after it came on, these are told."""

    light: Light = Field(description="灯色：yellow 或 red")
    after: WrittenLimit | None = Field(default=None, description="亮灯之后多久；不填为亮灯即办")
    tell: tuple[Recipient, ...] = Field(default=(), description="通知对象")
    press: PressOrder | None = Field(default=None, description="同时自动督办（只对办结时限）")

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        if self.light not in {Light.YELLOW, Light.RED}:
            raise ValueError("升级步骤的灯色（light）只能是 yellow 或 red")
        if not self.tell and self.press is None:
            raise ValueError("升级步骤没有通知对象（tell），也没有督办（press），请填写至少一项")
        if self.press is not None and self.light is not Light.RED:
            raise ValueError("自动督办（press）只能放在 red 步骤：未超期的工单不自动督办")
        return self


class QuietHours(Section):
    """Local hours in which nobody is told anything, except of tickets of the named urgencies; may wrap midnight."""

    start: time = Field(alias="from", description="免打扰开始时间，如 22:00")
    end: time = Field(alias="to", description="免打扰结束时间，如 07:00")
    except_urgency: tuple[Urgency, ...] = Field(
        default=(Urgency.URGENT, Urgency.CRITICAL), description="不受免打扰限制的紧急程度"
    )

    def cover(self, moment: time) -> bool:
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


class GapCode(StrEnum):
    """程序缺项 that are looked for; `gaps.find_gaps` says when each is there."""

    UNCONTACTED = "uncontacted"
    NO_RESULT = "no_result"
    NO_PHOTO = "no_photo"
    CLOSED_UNEXPLAINED = "closed_unexplained"
    STEP_LATE = "step_late"
    HELPERS_UNFINISHED = "helpers_unfinished"
    REPORT_UNFIT = "report_unfit"


class GapSettings(Section):
    """One kind of gap that the bureau watches."""

    code: GapCode = Field(description="缺项代码")
    blocking: bool = Field(default=False, description="true：红色（阻断）；false：黄色（可补正）")


_DEFAULT_LADDER = (
    EscalationStep(light=Light.YELLOW, tell=(Recipient.HANDLER, Recipient.BACKUP)),
    EscalationStep(light=Light.RED, tell=(Recipient.HANDLER, Recipient.UNIT_HEAD)),
    EscalationStep(
        light=Light.RED,
        after="1 working_days",
        tell=(Recipient.BUREAU_HEAD,),
        press=PressOrder(requirement="已超期，请立即办理并书面说明原因", within="1 working_days"),
    ),
)
_DEFAULT_GAPS = (
    GapSettings(code=GapCode.UNCONTACTED),
    GapSettings(code=GapCode.NO_RESULT, blocking=True),
    GapSettings(code=GapCode.NO_PHOTO),
    GapSettings(code=GapCode.CLOSED_UNEXPLAINED, blocking=True),
    GapSettings(code=GapCode.STEP_LATE),
    GapSettings(code=GapCode.HELPERS_UNFINISHED),
    GapSettings(code=GapCode.REPORT_UNFIT),
)


class SupervisionSettings(Section):
    """Everything the timers and the metrics may be told."""

    lights_seconds: int = Field(default=20, ge=1, le=3600, description="亮灯巡检间隔（秒）")
    suspensions_seconds: int = Field(default=60, ge=1, le=3600, description="挂起到期自动恢复的巡检间隔（秒）")
    escalation_seconds: int = Field(default=60, ge=1, le=3600, description="升级通知巡检间隔（秒）")
    gaps_seconds: int = Field(default=60, ge=1, le=3600, description="程序缺项巡检间隔（秒）")
    calendar_seconds: int = Field(default=3600, ge=1, le=86_400, description="检查日历是否变化的间隔（秒）")
    clock_tolerance_seconds: int = Field(
        default=300, ge=0, le=86_400, description="各进程时钟的允差（秒）：在此之内灯色不倒退"
    )
    bureau_head: str = Field(default="", description="局领导账号；不填则不通知局领导")
    supervisors: tuple[str, ...] = Field(default=(), description="督办人员账号：待研判工单超时时通知")
    escalation: tuple[EscalationStep, ...] = Field(default=_DEFAULT_LADDER, description="升级阶梯，按先后排列")
    posts_seconds: int = Field(default=60, ge=1, le=3600, description="A、B岗离岗移交的巡检间隔（秒）")
    orders_seconds: int = Field(default=60, ge=1, le=3600, description="督办巡检间隔（秒）")
    orders: OrderSettings = Field(default=OrderSettings(), description="按规则督办与督办升级")
    digest_minutes: int = Field(
        default=10,
        ge=0,
        le=24 * 60,
        description="一般工单的亮灯提醒可等多少分钟，与同一人的其他提醒合并为一条；0 为不合并",
    )
    quiet_hours: QuietHours | None = Field(default=None, description="免打扰时段")
    gaps: tuple[GapSettings, ...] = Field(default=_DEFAULT_GAPS, description="程序缺项清单")
    photo_required: tuple[str, ...] = Field(default=(), description="办结须附照片的事项：事项分类代码或时限类别名称")
    smallest_ranked: int = Field(default=10, ge=1, description="样本数不足此数的不参与排名")
    figures_at: time = Field(default=time(0, 30), description="每日生成前一日数据的时间")
    figures_days_back: int = Field(default=7, ge=1, le=366, description="补算最近多少天缺少的日数据")
    purge_at: time = Field(default=time(3, 30), description="每日清理过期数据的时间")
    nonces_kept_hours: int = Field(default=24, ge=1, le=24 * 365, description="签名随机数保留小时数")
    tokens_kept_days: int = Field(default=30, ge=1, le=3650, description="过期和注销的登录、令牌保留天数")
    pictures_kept_days: int = Field(
        default=7, ge=1, le=3650, description="市民发来而没有随工单登记的照片保留天数（对话还在用的不删）"
    )
    claims_kept_days: int = Field(default=400, ge=30, description="定时任务登记保留天数")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        lights = [step.light for step in self.escalation]
        if lights != sorted(lights, key=[Light.YELLOW, Light.RED].index):
            raise ValueError("升级阶梯（escalation）应按先后排列：yellow 步骤在前，red 步骤在后")
        codes = [one.code for one in self.gaps]
        if len(set(codes)) < len(codes):
            raise ValueError("程序缺项清单（gaps）中有重复的代码")
        return self
