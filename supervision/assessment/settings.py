"""The `assessment` part of `config.yml`: which metrics are scored, with how many marks, by which curve."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from storage.figures import Population
from supervision.metrics import BY_CODE, Better, MetricUnit
from supervision.settings import Section

FULL_MARKS = 100.0


class IndicatorSettings(Section):
    """One scored metric: full marks at the target, so many less for each point that it falls short, never below the floor.

    Rates are in percent, counts as they are. Where less is better (退单率), falling short is lying above the target.
    """

    metric: str = Field(description="指标代码，如 resolved_in_time")
    marks: float = Field(gt=0, le=FULL_MARKS, allow_inf_nan=False, description="满分")
    target: float = Field(ge=0, le=1_000_000, allow_inf_nan=False, description="目标值：比率为百分数，次数为次数")
    slope: float = Field(ge=0, le=FULL_MARKS, allow_inf_nan=False, description="每差 1 个百分点（或 1 次）扣的分")
    floor: float = Field(default=0.0, ge=0, le=FULL_MARKS, allow_inf_nan=False, description="保底分")

    @field_validator("metric")
    @classmethod
    def _can_be_scored(cls, code: str) -> str:
        metric = BY_CODE.get(code)
        if metric is None:
            raise ValueError(f"没有指标“{code[:40]}”；可用：{'、'.join(scorable())}")
        if code not in scorable():
            raise ValueError(f"指标“{metric.name}”不能用于计分；可用：{'、'.join(scorable())}")
        return code

    @model_validator(mode="after")
    def _floor_below_marks(self) -> Self:
        if self.floor > self.marks:
            raise ValueError(f"{self.metric} 的保底分 {self.floor:g} 不能高于满分 {self.marks:g}")
        return self


def scorable() -> tuple[str, ...]:
    """The metrics that can be scored: rates and counts of which one way is better, and which a past month keeps.

    What is in hand now says nothing of a past month.
    """
    return tuple(
        code
        for code, metric in BY_CODE.items()
        if metric.unit is not MetricUnit.DURATION
        and metric.better is not Better.NEUTRAL
        and metric.measure.population is not Population.OPEN
    )


# The first, third and fourth follow a city's published marks (连云港, 100 marks); it does not publish the rest.
_DEFAULT_INDICATORS = (
    IndicatorSettings(metric="accepted_in_time", marks=11, target=96, slope=1),
    IndicatorSettings(metric="contacted_in_time", marks=11, target=96, slope=1),
    IndicatorSettings(metric="resolved_in_time", marks=21, target=96, slope=1),
    IndicatorSettings(metric="satisfied", marks=25, target=98, slope=0.5, floor=12.5),
    IndicatorSettings(metric="solved", marks=15, target=90, slope=0.5),
    IndicatorSettings(metric="gaps", marks=10, target=0, slope=1),
    IndicatorSettings(metric="reworked", marks=4, target=5, slope=0.5),
    IndicatorSettings(metric="falsely_resolved", marks=3, target=1, slope=0.5),
)


class AssessmentSettings(Section):
    """Everything the assessment may be told."""

    indicators: tuple[IndicatorSettings, ...] = Field(
        default=_DEFAULT_INDICATORS, min_length=1, description="计分指标，满分合计 100 分"
    )
    smallest_ranked: int = Field(default=10, ge=1, description="应结案数不足此数的不参与排名")
    exempt: tuple[str, ...] = Field(default=(), description="不参加考核的单位、网格代码和经办人账号")
    freeze_after_days: int = Field(default=0, ge=0, le=27, description="月末之后几天自动定档，0 为次月 1 日")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        codes = [one.metric for one in self.indicators]
        if len(set(codes)) < len(codes):
            raise ValueError("计分指标（indicators）中有重复的指标")
        total = round(sum(one.marks for one in self.indicators), 6)
        if total != FULL_MARKS:
            raise ValueError(f"计分指标（indicators）的满分合计应为 {FULL_MARKS:g} 分，现在是 {total:g} 分")
        return self
