"""The router: where a complaint goes, to whom, by when, with the reason in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.absence import NOBODY_AWAY, Absences
from domain.category import Category, CategoryTree, Department
from domain.clocks import of_helper
from domain.complaint import URGENCY_NAMES, URGENCY_ORDER, Complaint, Kind, Urgency
from domain.limit import Limit, Stage
from domain.people import SUPERVISION_GROUP
from domain.routing import Destination, Routing
from domain.ticket import Assignment, Clock, Share, Status
from domain.understanding import Understanding
from domain.worktime import WorkCalendar, local
from router.duty import Roster
from router.grid import Boundaries, Found, TownGrid
from router.limits import LimitTable, NoLimit
from router.rules import Facts, holds
from router.settings import Posts, RouterSettings, RuleSettings

_NOWHERE = Category("", "（不在分类表中）", "", "")

_UNIT_STAGES = (Stage.ACCEPT, Stage.CONTACT, Stage.RETURN)


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be routed. `decided`: a person chose the category, so the confidence no longer counts.

    `urgency` None leaves it to the model, the category and the claim; `unit` is a person's choice of unit. `round`,
    `first_position` and `return_barred` mark the shares of a ticket that is routed again.
    """

    complaint: Complaint
    understanding: Understanding
    kind: Kind
    category: str
    urgency: Urgency | None = None
    decided: bool = False
    unit: str | None = None
    return_barred: bool = False
    round: int = 1
    first_position: int = 1


@dataclass(slots=True)
class _Verdict:
    """What the rules say about a case, gathered while they are asked in order."""

    unit: str | None = None
    department: Department | None = None
    desk: bool = False
    helpers: tuple[str, ...] = ()
    urgency: Urgency = Urgency.NORMAL
    settled: bool = False


class Router:
    """Routes cases by the settings. Pure: the same case at the same moment gives the same answer."""

    def __init__(
        self, settings: RouterSettings, boundaries: Boundaries, tree: CategoryTree, calendar: WorkCalendar
    ) -> None:
        self._settings = settings
        self._tree = tree
        self._grid = TownGrid(settings.territory, boundaries)
        self._roster = Roster(settings.units)
        self._units = {unit.code: unit.name for unit in settings.units}
        self._limits = LimitTable(settings.limits, settings.margin, calendar)
        self._departments = {
            leaf.department.code: leaf.department for leaf in tree.leaves.values() if leaf.department is not None
        }
        self.return_reasons: Mapping[str, str] = {one.code: one.name for one in settings.return_reasons}

    def is_unit(self, code: str) -> bool:
        return code in self._units

    def is_person_of(self, account: str, unit: str) -> bool:
        return self._roster.is_person_of(account, unit)

    def unit_name(self, code: str) -> str:
        return self._units.get(code, code)

    def unit_head(self, code: str) -> str:
        return self._roster.head(code)

    def person_name(self, account: str) -> str:
        return self._roster.name(account)

    def cell_name(self, code: str) -> str:
        return self._grid.cell_name(code)

    def department(self, code: str) -> Department | None:
        return self._departments.get(code)

    def route(self, case: Case, now: datetime, absences: Absences = NOBODY_AWAY) -> Routing:
        """Route a case. Whatever cannot be decided goes to the desk, with the problem named; it never raises.

        `absences`: who is away besides those of the settings.
        """
        category = self._tree.get(case.category)
        if category is None:
            gone = f"事项分类 {case.category} 已不在分类表中"
            return self._to_desk(case, _NOWHERE, now, (gone,), (gone,), case.urgency or Urgency.NORMAL)
        found = self._grid.find(case.understanding.places, case.complaint.place.point)
        urgency = case.urgency or self._urgency(case, category)
        why = [_because_of(case, category)]
        facts = Facts(
            category,
            case.kind,
            urgency,
            case.complaint.channel,
            found.place,
            case.understanding.risks,
            case.complaint.text,
            case.complaint.reported_at,
        )
        problems: list[str] = []
        verdict = self._ask_rules(facts, why, problems)
        urgency = verdict.urgency
        if urgency is not Urgency.NORMAL:
            why.append(f"紧急程度：{URGENCY_NAMES[urgency]}")
        if category.unit == SUPERVISION_GROUP and verdict.unit != SUPERVISION_GROUP:
            verdict = _Verdict(unit=SUPERVISION_GROUP, urgency=urgency, desk=verdict.desk)
        if case.unit is None:
            if not case.decided and (reason := self._unsure(case, verdict)):
                return self._to_desk(case, category, now, (*why, *reason), tuple(problems), urgency)
            department = verdict.department or (category.department if verdict.unit is None else None)
            if department is not None:
                phone = f"，电话 {department.phone}" if department.phone else ""
                why.append(f"不属于本局职责，应由{department.name}办理{phone}")
                return Routing(
                    Destination.OUTSIDE, urgency, tuple(why), department=department, problems=tuple(problems)
                )
        unit = case.unit or verdict.unit or category.unit
        if unit is None or unit not in self._units:
            problems.append(f"承办单位“{unit or ''}”不在 config.yml 的 units 中")
            return self._to_desk(case, category, now, (*why, problems[-1]), tuple(problems), urgency)
        why.append(found.why)
        helpers = [one for one in dict.fromkeys(verdict.helpers) if one != unit and one in self._units]
        if unit == SUPERVISION_GROUP:
            helpers = []  # a complaint about our own people is nobody else's to see
        try:
            shares = self._shares(case, category, found, urgency, unit, helpers, now, why, absences)
        except (NoLimit, ValueError) as error:
            problems.append(str(error))
            return self._to_desk(case, category, now, (*why, str(error)), tuple(problems), urgency)
        return Routing(Destination.UNIT, urgency, tuple(why), assignments=shares, problems=tuple(problems))

    def away(self, now: datetime, absences: Absences) -> frozenset[str]:
        return self._roster.away(now, absences)

    def on_duty(self, unit: str, posts: Posts, now: datetime, absences: Absences) -> str:
        """The account that handles the work of these posts now."""
        return self._roster.on_duty(unit, posts, now, absences).handler

    def extension_limit(self, case: Case) -> Limit:
        """How many working days a ticket may be extended by. Raises NoLimit."""
        category = self._tree.get(case.category) or _NOWHERE
        urgency = case.urgency or Urgency.NORMAL
        day = self._limits.today(case.complaint.received_at)
        return self._limits.choose(Stage.EXTEND, case.complaint.channel, case.kind, urgency, category, day)[1]

    def extended_clock(self, clock: Clock, working_days: int) -> Clock:
        return self._limits.extended(clock, working_days)

    def paused_clock(self, clock: Clock, start: datetime, end: datetime) -> Clock:
        return self._limits.paused_for(clock, start, end)

    def desk_clocks(self, case: Case, now: datetime) -> tuple[Clock, ...]:
        """The dispatch clock of a case on which the desk must decide; none where no row of the limits applies."""
        category = self._tree.get(case.category) or _NOWHERE
        return self._to_desk(case, category, now, (), (), case.urgency or Urgency.NORMAL).desk_clocks

    def _urgency(self, case: Case, category: Category) -> Urgency:
        claims = (case.understanding.urgency, category.urgency, case.complaint.claimed_urgency or Urgency.NORMAL)
        return max(claims, key=URGENCY_ORDER.index)

    def _unsure(self, case: Case, verdict: _Verdict) -> tuple[str, ...]:
        """Why a person must decide first; empty when the rules or the model are sure enough."""
        if verdict.desk:
            return ("按规则转人工研判",)
        if verdict.settled or case.understanding.confidence >= self._settings.threshold:
            return ()
        return (f"置信度 {case.understanding.confidence:.2f} 低于 {self._settings.threshold:.2f}，转人工研判",)

    def _ask_rules(self, facts: Facts, why: list[str], problems: list[str]) -> _Verdict:
        verdict = _Verdict(urgency=facts.urgency)
        for rule in self._settings.rules:
            if holds(rule.when, facts):
                self._apply(rule, verdict, why, problems)
        return verdict

    def _apply(self, rule: RuleSettings, verdict: _Verdict, why: list[str], problems: list[str]) -> None:
        then = rule.then
        gone = [code for code in (then.unit, *then.helpers) if code is not None and code not in self._units]
        if then.department is not None and then.department not in self._departments:
            gone.append(then.department)
        if gone:
            problems.append(f"规则 {rule.id}“{rule.name}”指向不存在的单位：{'、'.join(gone)}")
            why.append(problems[-1])
        if then.urgency is not None:
            verdict.urgency = max(verdict.urgency, then.urgency, key=URGENCY_ORDER.index)
        verdict.helpers += then.helpers
        destined = then.unit or then.department or then.desk
        # What concerns our own officers goes to the supervision group whatever an earlier rule says.
        if destined and (not verdict.settled or then.unit == SUPERVISION_GROUP):
            verdict.settled = True
            verdict.unit = then.unit
            verdict.department = self._departments.get(then.department) if then.department else None
            # Where a rule names a department that is gone, a person must say where the matter goes.
            verdict.desk = then.desk or (then.department is not None and verdict.department is None)
        if destined or then.helpers or then.urgency:
            why.append(f"按规则 {rule.id}“{rule.name}”")

    def _shares(
        self,
        case: Case,
        category: Category,
        found: Found,
        urgency: Urgency,
        unit: str,
        helpers: Sequence[str],
        now: datetime,
        why: list[str],
        absences: Absences,
    ) -> tuple[Assignment, ...]:
        clocks = self._clocks(case, category, urgency, now)
        shares = []
        for offset, code in enumerate((unit, *helpers)):
            place = found.place
            posts = self._grid.posts(code, place) if place else None
            duty = self._roster.on_duty(code, posts, now, absences)
            cell = self._grid.cell(code, place) if place else ""
            share = Share.LEAD if offset == 0 else Share.HELPER
            role = "主办" if offset == 0 else "协办"
            why.append(f"{role}：{self._units[code]}{f'（{cell}）' if cell else ''}，{duty.why}")
            shares.append(
                Assignment(
                    position=case.first_position + offset,
                    share=share,
                    unit=code,
                    status=Status.DISPATCHED,
                    dispatched_at=now,
                    owner=duty.owner,
                    backup=duty.backup,
                    handler=duty.handler,
                    stands_in_for=duty.owner if duty.handler != duty.owner else "",
                    area=place.area if place and cell else "",
                    cell=cell,
                    clocks=clocks if share is Share.LEAD else of_helper(clocks),
                    return_barred=case.return_barred,
                )
            )
        resolve = clocks[-1]
        own = Limit.parse(resolve.limit).chinese
        why.append(f"办结时限：{own}，{local(resolve.due_at):%Y-%m-%d %H:%M} 前（{resolve.rule}）")
        return tuple(shares)

    def _clocks(self, case: Case, category: Category, urgency: Urgency, now: datetime) -> tuple[Clock, ...]:
        """Accept, contact and return clocks, and the resolve clock last. Raises NoLimit."""
        channel, day = case.complaint.channel, self._limits.today(now)
        clocks = []
        for stage in _UNIT_STAGES:
            row, limit = self._limits.choose(stage, channel, case.kind, urgency, category, day)
            clocks.append(self._limits.clock(stage, row, limit, now, case.round))
        row, limit = self._limits.choose(Stage.RESOLVE, channel, case.kind, urgency, category, day)
        clocks.append(self._limits.resolve_clock(row, limit, now, case.complaint.due_outer, case.round))
        return tuple(clocks)

    def _to_desk(
        self,
        case: Case,
        category: Category,
        now: datetime,
        why: tuple[str, ...],
        problems: tuple[str, ...],
        urgency: Urgency,
    ) -> Routing:
        try:
            row, limit = self._limits.choose(
                Stage.DISPATCH, case.complaint.channel, case.kind, urgency, category, self._limits.today(now)
            )
            clocks: tuple[Clock, ...] = (self._limits.clock(Stage.DISPATCH, row, limit, now, case.round),)
        except (NoLimit, ValueError) as error:
            clocks, problems = (), (*problems, str(error))
        return Routing(Destination.DESK, urgency, why, desk_clocks=clocks, problems=problems)


def _because_of(case: Case, category: Category) -> str:
    if case.decided:
        return f"事项由人工判定为“{category.name}”（{category.code}）"
    words = "、".join(word.text for word in case.understanding.words[:4] if word.weight > 0)
    grounds = f"，主要依据：{words}" if words else ""
    return f"事项判定为“{category.name}”（{category.code}，置信度 {case.understanding.confidence:.2f}）{grounds}"
