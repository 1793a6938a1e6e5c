"""考核指标: every metric, defined once: its name, its formula in words, its unit, and the measure behind it.

What is shown of a metric anywhere (board, API, report, sheet) is taken from here. `figures` computes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storage.figures import Measure, Population, Trait


class MetricUnit(StrEnum):
    """What a metric's value is."""

    COUNT = "count"  # 件、次
    RATE = "rate"  # 0 to 1
    DURATION = "duration"  # mean, median and P90, in working minutes and in calendar hours


class Better(StrEnum):
    """Which way is better; it decides ranking. Neutral ones are not ranked."""

    HIGHER = "higher"
    LOWER = "lower"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `numerator` and `denominator` say in words what `measure` counts; a count or duration has no denominator.

    `note`: what one must know to read it right.
    """

    code: str
    name: str
    unit: MetricUnit
    better: Better
    measure: Measure
    numerator: str
    denominator: str = ""
    note: str = ""

    @property
    def formula(self) -> str:
        """The whole formula, in Chinese."""
        written = f"{self.numerator} ÷ {self.denominator}" if self.denominator else self.numerator
        return f"{written}（{self.note}）" if self.note else written


def _count(
    code: str, name: str, population: Population, counted: str, note: str = "", better: Better = Better.NEUTRAL
) -> Metric:
    return Metric(code, name, MetricUnit.COUNT, better, Measure(population), counted, note=note)


def _rate(
    code: str,
    name: str,
    measure: Measure,
    numerator: str,
    denominator: str,
    note: str = "",
    better: Better = Better.HIGHER,
) -> Metric:
    return Metric(code, name, MetricUnit.RATE, better, measure, numerator, denominator, note)


def _of_due(code: str, name: str, trait: Trait, numerator: str, better: Better = Better.HIGHER) -> Metric:
    """A rate over what was to be resolved in the period."""
    measure = Measure(Population.RESOLVE_DUE, trait)
    return _rate(code, name, measure, numerator, _RESOLVE_DUE, _NOT_TAKEN_AWAY, better)


def _time(code: str, name: str, population: Population, counted: str, note: str = "") -> Metric:
    return Metric(code, name, MetricUnit.DURATION, Better.LOWER, Measure(population), counted, note=note)


_DUE = "期内签收时限到期的派单数"
_RESOLVE_DUE = "应结案数（期内办结时限到期的主办派单，每轮办理各计一次）"
_NOT_TAKEN_AWAY = "到期前已改派、并单的不计"
_VALID = "有效回访数（联系上诉求人且答复了是否解决）"

METRICS: tuple[Metric, ...] = (
    _count("received", "受理量", Population.RECEIVED, "期内受理的工单数"),
    _count("dispatched", "派单量", Population.DISPATCHED, "期内派出的派单数", "主办、协办各计一次"),
    _rate(
        "dispatched_in_time",
        "按时派单率",
        Measure(Population.DISPATCH_DUE, Trait.IN_TIME),
        "时限内完成研判派单的工单数",
        "期内研判派单时限到期的工单数",
        "直接由系统派单的不计",
    ),
    _rate(
        "accepted_in_time",
        "及时签收率",
        Measure(Population.ACCEPT_DUE, Trait.IN_TIME),
        "时限内签收的派单数",
        _DUE,
        _NOT_TAKEN_AWAY,
    ),
    _rate(
        "contacted_in_time",
        "响应率",
        Measure(Population.CONTACT_DUE, Trait.IN_TIME),
        "时限内联系上诉求人的派单数",
        "期内联系时限到期的派单数",
        _NOT_TAKEN_AWAY,
    ),
    _of_due("resolved", "办结率", Trait.DONE, "其中截至期末已办结的数量"),
    _of_due("closed", "结案率", Trait.CLOSED, "其中截至期末已办结并结案的数量"),
    _of_due("closed_in_time", "按时结案率", Trait.CLOSED_IN_TIME, "其中在办结时限内办结并结案的数量"),
    _of_due("resolved_in_time", "按时办结率", Trait.IN_TIME, "其中在时限内（含经批准的延期）办结的数量"),
    _of_due(
        "resolved_in_outer_time",
        "平台时限按时办结率",
        Trait.IN_OUTER_TIME,
        "其中截至期末在平台时限（平台没有规定的，为本局时限）内办结的数量",
    ),
    _of_due("resolved_in_first_time", "原时限按时办结率", Trait.IN_FIRST_TIME, "其中在延期之前的原时限内办结的数量"),
    _of_due("extended", "延期率", Trait.EXTENDED, "其中经批准延期的数量", Better.LOWER),
    _rate(
        "returned",
        "退单率",
        Measure(Population.DISPATCHED, Trait.RETURNED),
        "其中截至期末申请过退单的派单数",
        "期内派出的派单数",
        better=Better.LOWER,
    ),
    _rate(
        "misrouted",
        "错派率",
        Measure(Population.DISPATCHED_LEAD, Trait.MISROUTED),
        "其中截至期末因承办单位不对而改派的数量",
        "期内派出的主办派单数",
        "退单获准、指挥中心转办、重新分类后改派均计；派单准确率 = 1 − 错派率",
        Better.LOWER,
    ),
    _rate(
        "reworked",
        "重办率",
        Measure(Population.RESOLVED, Trait.REWORKED),
        "其中截至期末被回访退回或因平台再次来件而重办的数量",
        "期内主办单位办结次数",
        better=Better.LOWER,
    ),
    _rate(
        "falsely_resolved",
        "假办结率",
        Measure(Population.RESOLVED, Trait.AGAIN),
        "其中办结后 7 日内同一诉求人同一事项再次来件的数量",
        "期内主办单位办结次数",
        "期末之后满 7 日方为定数",
        Better.LOWER,
    ),
    _rate(
        "repeated",
        "重复诉求率",
        Measure(Population.RECEIVED, Trait.REPEATED),
        "其中同一诉求人 30 日内已就同一事项来件的工单数",
        "期内受理的工单数",
        "以联系电话识别同一诉求人，没有电话的不计入分子",
        Better.LOWER,
    ),
    _rate(
        "followed_up",
        "有效回访率",
        Measure(Population.RESOLVED, Trait.FOLLOWED_UP),
        "其中截至期末有过有效回访（联系上诉求人且答复了是否解决）的数量",
        "期内主办单位办结次数",
    ),
    _rate("solved", "解决率", Measure(Population.FOLLOWED_UP, Trait.SOLVED), "其中答复“已解决”的数量", _VALID),
    _rate(
        "solved_at_once",
        "一次解决率",
        Measure(Population.FOLLOWED_UP, Trait.SOLVED_AT_ONCE),
        "其中未经重办即答复“已解决”的数量",
        _VALID,
    ),
    _rate(
        "solved_at_second",
        "二次解决率",
        Measure(Population.FOLLOWED_UP, Trait.SOLVED_AT_SECOND),
        "其中重办一次后答复“已解决”的数量",
        _VALID,
        better=Better.NEUTRAL,
    ),
    _rate(
        "solved_later",
        "三次及以上解决率",
        Measure(Population.FOLLOWED_UP, Trait.SOLVED_LATER),
        "其中重办两次或更多后答复“已解决”的数量",
        _VALID,
        better=Better.NEUTRAL,
    ),
    _rate(
        "satisfied",
        "满意率",
        Measure(Population.FOLLOWED_UP, Trait.SATISFIED),
        "其中答复“满意”或“基本满意”的数量",
        _VALID,
    ),
    _rate(
        "dissatisfied",
        "不满意率",
        Measure(Population.FOLLOWED_UP, Trait.DISSATISFIED),
        "其中答复“不满意”的数量",
        _VALID,
        better=Better.LOWER,
    ),
    _count("pressed", "督办次数", Population.PRESSED, "期内督办次数", "含系统按规则自动督办", Better.LOWER),
    _count("urged", "催办次数", Population.URGED, "期内登记的催办次数", better=Better.LOWER),
    _count("red_lights", "亮红灯次数", Population.RED_LIGHTS, "期内时限转为红灯的次数", better=Better.LOWER),
    _count("gaps", "程序缺项数", Population.GAPS, "期内发现的程序缺项数", better=Better.LOWER),
    _count("backlog", "在办量", Population.OPEN, "期末之前受理、目前尚未办结的工单数", better=Better.LOWER),
    _time("backlog_age", "在办件龄", Population.OPEN, "目前尚未办结的工单自受理至期末的时长"),
    _time(
        "time_to_dispatch",
        "派单用时",
        Population.DISPATCHED_BY_DESK,
        "期内由指挥中心首次派出的工单自受理至派单的时长",
        "直接由系统派单的不计",
    ),
    _time("time_to_accept", "签收用时", Population.ACCEPTED, "期内签收的派单自派单至签收的时长"),
    _time("time_to_contact", "联系用时", Population.CONTACTED, "期内首次联系上诉求人的派单自派单至联系的时长"),
    _time("time_to_resolve", "办结用时", Population.RESOLVED, "期内办结的主办派单自本轮时限起算至办结的时长"),
    _time("time_to_follow_up", "回访用时", Population.FOLLOWED_UP, "期内有效回访自最近一次办结至回访的时长"),
    _time(
        "time_to_close",
        "全程用时",
        Population.FINISHED,
        "期内结案的工单自受理至结案的时长",
        "结案后再次来件又结案的，各计一次，均自首次受理起算",
    ),
    _time("time_to_rule_return", "退单裁定用时", Population.RETURN_RULED, "期内裁定的退单自申请至裁定的时长"),
    _time("time_to_rule_extension", "延期审批用时", Population.EXTENSION_RULED, "期内审批的延期自申请至审批的时长"),
    _time("time_to_rule_suspension", "挂起审批用时", Population.SUSPENSION_RULED, "期内审批的挂起自申请至审批的时长"),
    _time("time_to_answer_press", "督办答复用时", Population.PRESS_ANSWERED, "期内答复的督办自下达至答复的时长"),
)
"""All of them, in the order in which they are shown."""

BY_CODE: dict[str, Metric] = {metric.code: metric for metric in METRICS}
