"""The arithmetic of marks: from a figure as it is shown to the marks that it earns, so that anybody can recompute them.

Rates are first rounded to two decimals of a percent, marks to two decimals, halves upward, as bulletins print them.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from supervision.assessment.settings import IndicatorSettings
from supervision.metrics import BY_CODE, Better, MetricUnit

_CENT = Decimal("0.01")


def rounded(value: Decimal | float) -> float:
    """Two decimals, halves upward: of the number as it is written, not as a binary fraction."""
    return float(Decimal(str(value)).quantize(_CENT, ROUND_HALF_UP))


def percentage(hits: int, n: int) -> float:
    """`hits` of `n` (at least 1) in percent, to two decimals."""
    return float((Decimal(hits) * 100 / Decimal(n)).quantize(_CENT, ROUND_HALF_UP))


def marks_for(indicator: IndicatorSettings, value: float) -> float:
    """The marks for a value: a rate in percent, or a count."""
    target, found = _exact(indicator.target), _exact(value)
    short = target - found if BY_CODE[indicator.metric].better is Better.HIGHER else found - target
    reached = _exact(indicator.marks) - _exact(indicator.slope) * max(Decimal(0), short)
    return rounded(max(_exact(indicator.floor), reached))


def rule_in_words(indicator: IndicatorSettings) -> str:
    """The curve as a sentence, to stand beside the marks."""
    metric = BY_CODE[indicator.metric]
    rate = metric.unit is MetricUnit.RATE
    sign, step = ("%", "1 个百分点") if rate else (" 次", "1 次")
    way, worse = ("以上", "低") if metric.better is Better.HIGHER else ("以下", "高")
    floor = f"，最低 {indicator.floor:g} 分" if indicator.floor else ""
    best = f"{indicator.target:g}{sign} 及{way}" if rate or indicator.target else "没有发生的"
    return (
        f"满分 {indicator.marks:g} 分：{best}得满分，每{worse} {step}扣 {indicator.slope:g} 分{floor}；没有样本不扣分"
    )


def _exact(value: float) -> Decimal:
    return Decimal(str(value))
