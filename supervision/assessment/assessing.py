"""A month assessed: computed, frozen, corrected beside what was frozen, and tried with other weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import msgspec

from domain.people import SYSTEM, Actor
from domain.worktime import local, midnight
from storage.assessments import Adjustment, AlreadyFrozen, Frozen, Level, Tally
from storage.figures import Dimension, Slice
from storage.store import Store
from supervision.assessment.scores import SAMPLE, IndicatorScore, Scorecard, score_cards
from supervision.assessment.settings import AssessmentSettings
from supervision.metrics import BY_CODE

DIMENSIONS: dict[Level, Dimension] = {
    Level.BRIGADE: Dimension.BRIGADE,
    Level.CELL: Dimension.CELL,
    Level.HANDLER: Dimension.HANDLER,
}
LEVEL_NAMES: dict[Level, str] = {Level.BRIGADE: "大队", Level.CELL: "责任网格", Level.HANDLER: "经办人"}

_MONTH = re.compile(r"^(20\d\d)-(0[1-9]|1[0-2])\Z", re.ASCII)


class MonthNotOver(Exception):
    """A month that is not over cannot be frozen."""


@dataclass(frozen=True, slots=True)
class FrozenMonth:
    """A result as it was frozen, with the settings that led to it."""

    settings: AssessmentSettings
    cards: tuple[Scorecard, ...]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangedIndicator:
    """An indicator whose figures are no longer those that were frozen; None where the subject was unknown then, or is now."""

    metric: str
    frozen: IndicatorScore | None
    now: IndicatorScore | None


@dataclass(frozen=True, slots=True)
class Correction:
    """What has changed for a subject since the month was frozen: figures and adjustments. The frozen result stays."""

    subject: str
    frozen_total: float | None
    frozen_rank: int | None
    total: float | None
    rank: int | None
    indicators: tuple[ChangedIndicator, ...]
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True, slots=True)
class MonthResult:
    """A month at a level. `cards` is what counts: the frozen result where there is one, else today's.

    `corrections` compares a frozen result with today's count under the same weights; without a frozen one it is empty.
    """

    month: str
    level: Level
    settings: AssessmentSettings
    cards: tuple[Scorecard, ...]
    frozen: FrozenMonth | None
    corrections: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A subject under the weights in force and under others, from the same figures of today."""

    subject: str
    sample: int
    total: float
    rank: int | None
    tried: Scorecard


@dataclass(frozen=True, slots=True)
class _Counted:
    """The figures of a month at a level, before any weight."""

    tallies: Mapping[str, Mapping[str, Tally]]
    samples: Mapping[str, Tally]
    adjustments: tuple[Adjustment, ...]

    def cards(self, settings: AssessmentSettings) -> tuple[Scorecard, ...]:
        wanted = {one.metric for one in settings.indicators}
        tallies = {code: counts for code, counts in self.tallies.items() if code in wanted}
        return score_cards(settings, tallies, self.samples, self.adjustments)


def month_slice(month: str) -> Slice:
    """The whole of a local month, written `2026-10`. Raises ValueError (Chinese)."""
    found = _MONTH.match(month)
    if found is None:
        raise ValueError(f"月份“{month[:20]}”写法不对，应为 2026-10")
    year, number = int(found[1]), int(found[2])
    return Slice(midnight(date(year, number, 1)), midnight(date(year + number // 12, number % 12 + 1, 1)))


def month_before(day: date) -> str:
    """The month before a day's month."""
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


class Assessing:
    """The assessment over one store. `settings` are the weights in force for months that are not frozen."""

    def __init__(self, store: Store, settings: AssessmentSettings) -> None:
        self._store = store
        self._settings = settings

    async def month(self, month: str, level: Level, now: datetime) -> MonthResult:
        """A month's result. What lies after `now` is left out. Raises ValueError for what is no month."""
        frozen = await self._frozen(month, level)
        settings = frozen.settings if frozen is not None else self._settings
        counted = await self._counted(month, level, now, settings)
        cards = counted.cards(settings)
        if frozen is None:
            return MonthResult(month, level, settings, cards, None, ())
        corrections = _corrections(frozen, cards, counted.adjustments)
        return MonthResult(month, level, settings, frozen.cards, frozen, corrections)

    async def freeze(self, month: str, actor: Actor, now: datetime) -> None:
        """Freeze a month at every level: cards, figures and weights. Raises MonthNotOver, AlreadyFrozen or ValueError."""
        if now < month_slice(month).end:
            raise MonthNotOver
        results = []
        for level in Level:
            cards = (await self._counted(month, level, now, self._settings)).cards(self._settings)
            document = {"settings": self._settings.model_dump(mode="json"), "cards": msgspec.to_builtins(cards)}
            results.append(Frozen(month, level, document, actor.name, now))
        await self._store.assessments.freeze(results)

    async def freeze_due(self, now: datetime) -> str | None:
        """The timer's part: freeze the last month when its time has come and nobody has; which month, or None.

        Any number of processes may call it at once: one freezes.
        """
        due = local(now) - timedelta(days=self._settings.freeze_after_days)
        month = month_before(due.date())
        began = await self._store.assessments.began_at()
        if began is None or began >= month_slice(month).end:
            return None  # the service was not there yet
        if await self._store.assessments.frozen(month, Level.BRIGADE) is not None:
            return None
        try:
            await self.freeze(month, SYSTEM, now)
        except AlreadyFrozen:
            return None
        return month

    async def trial(
        self, months: Iterable[str], level: Level, tried: AssessmentSettings, now: datetime
    ) -> dict[str, tuple[Trial, ...]]:
        """Each month under the weights in force for it and under `tried`, both from today's figures. Nothing is kept."""
        found: dict[str, tuple[Trial, ...]] = {}
        for month in months:
            frozen = await self._frozen(month, level)
            settings = frozen.settings if frozen is not None else self._settings
            counted = await self._counted(month, level, now, settings, tried)
            before = {card.subject: card for card in counted.cards(settings)}
            found[month] = tuple(
                Trial(card.subject, card.sample, before[card.subject].total, before[card.subject].rank, card)
                for card in counted.cards(tried.model_copy(update={"exempt": settings.exempt}))
                if card.subject in before
            )
        return found

    async def _frozen(self, month: str, level: Level) -> FrozenMonth | None:
        kept = await self._store.assessments.frozen(month, level)
        if kept is None:
            return None
        settings = AssessmentSettings.model_validate(kept.document["settings"])
        cards = msgspec.convert(kept.document["cards"], tuple[Scorecard, ...])
        return FrozenMonth(settings, cards, kept.frozen_by, kept.frozen_at)

    async def _counted(self, month: str, level: Level, now: datetime, *weights: AssessmentSettings) -> _Counted:
        """The figures that any of the weights asks for."""
        whole = month_slice(month)
        wanted = replace(whole, end=max(whole.start, min(whole.end, now)))
        records, by = self._store.assessments, DIMENSIONS[level]
        codes = dict.fromkeys(one.metric for settings in weights for one in settings.indicators)
        tallies = {code: await records.tallies(BY_CODE[code].measure, wanted, by) for code in codes}
        samples = await records.tallies(SAMPLE, wanted, by)
        return _Counted(tallies, samples, tuple(await records.adjustments(month, level)))


def _corrections(
    frozen: FrozenMonth, cards: tuple[Scorecard, ...], adjustments: tuple[Adjustment, ...]
) -> tuple[Correction, ...]:
    before = {card.subject: card for card in frozen.cards}
    after = {card.subject: card for card in cards}
    found = []
    for subject in sorted(before.keys() | after.keys()):
        old, new = before.get(subject), after.get(subject)
        if old == new:
            continue
        known = {one.id for one in old.adjustments} if old is not None else set()
        found.append(
            Correction(
                subject,
                old.total if old is not None else None,
                old.rank if old is not None else None,
                new.total if new is not None else None,
                new.rank if new is not None else None,
                _changed(old, new),
                tuple(one for one in adjustments if one.subject == subject and one.id not in known),
            )
        )
    return tuple(found)


def _changed(old: Scorecard | None, new: Scorecard | None) -> tuple[ChangedIndicator, ...]:
    before = {one.metric: one for one in old.indicators} if old is not None else {}
    after = {one.metric: one for one in new.indicators} if new is not None else {}
    return tuple(
        ChangedIndicator(code, before.get(code), after.get(code))
        for code in {**before, **after}
        if before.get(code) != after.get(code)
    )
