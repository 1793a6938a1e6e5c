"""The composition of assessment and reports: over a house, or over a store alone where no model is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.category import CategoryTree
from domain.complaint import KIND_NAMES, SOURCE_NAMES, URGENCY_NAMES, Kind, Urgency
from intake_bot.house import House
from intake_bot.settings import Settings
from router.route import Router
from storage.assessments import Level
from storage.figures import Dimension
from storage.store import Store
from supervision.assessment.assessing import Assessing
from supervision.figures import Metrics
from supervision.reports.content import Gathering, Names
from supervision.reports.schedule import ReportSchedule
from supervision.reports.settings import ReportSettings


@dataclass(frozen=True, slots=True)
class Reporting:
    """What makes reports, with its settings."""

    gathering: Gathering
    settings: ReportSettings


def assessing_of(house: House) -> Assessing:
    return Assessing(house.store, house.settings.assessment)


def schedule_of(house: House) -> ReportSchedule:
    """What makes the reports of finished periods."""
    reporting = reporting_of(house.settings, house.router, house.tree, house.store)
    return ReportSchedule(reporting.gathering, house.store.assessments, reporting.settings)


def reporting_of(settings: Settings, router: Router, tree: CategoryTree, store: Store) -> Reporting:
    """What makes reports over a store."""
    metrics = Metrics(store.figures, settings.calendar.work_calendar(), settings.supervision.smallest_ranked)
    gathering = Gathering(
        store,
        metrics,
        Assessing(store, settings.assessment),
        group_names(settings, router, tree),
        settings.bureau.name,
    )
    return Reporting(gathering, settings.reports)


def subjects_of(settings: Settings) -> Mapping[Level, Mapping[str, str]]:
    """Everybody who can be assessed, by level: code → the unit that it belongs to."""
    units, territory = settings.router.units, settings.router.territory
    return {
        Level.BRIGADE: {unit.code: unit.code for unit in units},
        Level.CELL: {f"{grid.code}-{place.code}": grid.unit for grid in territory.grids for place in territory.places},
        Level.HANDLER: {one.account: unit.code for unit in units for one in unit.people},
    }


def group_names(settings: Settings, router: Router, tree: CategoryTree) -> Names:
    """What people call the groups of each dimension."""
    areas = {area.code: area.name for area in settings.router.territory.areas}
    grids = {grid.code: grid.name for grid in settings.router.territory.grids}

    def name(dimension: Dimension, key: str) -> str:
        if not key:
            return "（无）"
        if dimension is Dimension.CHANNEL:
            channel = settings.channels.get(key)
            return channel.name if channel is not None else SOURCE_NAMES.get(key, key)
        if dimension is Dimension.CATEGORY:
            leaf = tree.get(key)
            return leaf.name if leaf is not None else key
        plain: dict[Dimension, Callable[[str], str]] = {
            Dimension.KIND: lambda code: KIND_NAMES[Kind(code)],
            Dimension.URGENCY: lambda code: URGENCY_NAMES[Urgency(code)],
            Dimension.BRIGADE: router.unit_name,
            Dimension.GRID: lambda code: grids.get(code, code),
            Dimension.AREA: lambda code: areas.get(code, code),
            Dimension.CELL: router.cell_name,
            Dimension.HANDLER: router.person_name,
        }
        return plain[dimension](key) if dimension in plain else key

    return name
