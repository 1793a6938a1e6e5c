"""`/api/v1/models`: which models there are, which one speaks, how often its word stood, and what people set right."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from domain.administration import Deed
from domain.worktime import local
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import read_number
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import ADMINISTRATORS, LEADERS, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.schemas import MOMENT, NUMBER, TEXT, WHOLE, YES, or_null, record, text
from intake_bot.api.views import written
from intake_bot.house import House
from nlu.embedded.engine import EmbeddedEngine
from nlu.models import ModelShelf, UnreadableModel

_MAYBE = or_null(NUMBER)

_MODELS = record(
    current=or_null(TEXT),
    speaking=TEXT,
    models={
        "type": "array",
        "items": record(
            version=TEXT,
            current=YES,
            made_at=MOMENT,
            problem=text("不能使用的原因；能使用的为空"),
            rows=_MAYBE,
            accuracy=_MAYBE,
            macro_f1=_MAYBE,
            calibration_error=_MAYBE,
            coverage=_MAYBE,
        ),
    },
)
_QUALITY = record(
    weeks={
        "type": "array",
        "items": record(
            week=TEXT,
            category=record(code=TEXT, name=TEXT),
            tickets=WHOLE,
            never_corrected=WHOLE,
            share=NUMBER,
        ),
    }
)


_CORRECTIONS = record(
    corrections={
        "type": "array",
        "items": record(
            ticket_no=TEXT,
            at=MOMENT,
            actor=TEXT,
            text=TEXT,
            before=record(code=TEXT, name=TEXT),
            after=record(code=TEXT, name=TEXT),
            note=TEXT,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """改用的模型版本。"""

    version: str


def model_routes() -> list[Route]:
    return [
        Route(
            "GET",
            "/api/v1/models",
            list_models,
            "模型版本及现用版本",
            "models",
            LEADERS,
            answers={200: ("模型版本", _MODELS)},
        ),
        Route(
            "POST",
            "/api/v1/models/current",
            choose,
            "改用另一个模型版本（回退），各进程随即采用",
            "models",
            ADMINISTRATORS,
            body=schema_of(Choice),
            answers={200: ("模型版本", _MODELS)},
        ),
        Route(
            "GET",
            "/api/v1/models/quality",
            quality,
            "每周未被人工纠正的比例，按事项",
            "models",
            LEADERS,
            parameters=(Parameter("weeks", "最近多少周，默认 8", {"type": "integer", "minimum": 1, "maximum": 104}),),
            answers={200: ("每周比例", _QUALITY)},
        ),
        Route(
            "GET",
            "/api/v1/models/corrections",
            corrections,
            "最近的人工纠正，下次训练时采用；号码已隐去，保密件和举报件不在其中",
            "models",
            LEADERS,
            parameters=(Parameter("limit", "条数，默认 50", {"type": "integer", "minimum": 1, "maximum": 500}),),
            answers={200: ("人工纠正", _CORRECTIONS)},
        ),
    ]


@dataclass(frozen=True, slots=True)
class ModelView:
    """A version on the shelf. The measures are those of its own cross-validation, None where it cannot be read."""

    version: str
    current: bool
    made_at: str
    problem: str
    rows: int | None
    accuracy: float | None
    macro_f1: float | None
    calibration_error: float | None
    coverage: float | None


def shelf_of(house: House) -> ModelShelf:
    return ModelShelf(house.deployment.path(house.settings.nlu.model_dir))


def made_at(shelf: ModelShelf, version: str) -> datetime:
    """When a version was put on the shelf. Raises OSError where it is not there."""
    return datetime.fromtimestamp((shelf.folder / f"{version}.json").stat().st_mtime, UTC)


def models_view(house: House) -> dict[str, Any]:
    """The shelf as the API and the administrator's page show it; reads every version's description from disk."""
    shelf = shelf_of(house)
    current = shelf.current()
    return {
        "current": current,
        "speaking": f"{house.engine.name}/{house.engine.version}",
        "models": [_version(shelf, version, current) for version in shelf.versions()],
    }


def _version(shelf: ModelShelf, version: str, current: str | None) -> ModelView:
    problem, report = "", {}
    try:
        report = shelf.description(version)["report"]
    except UnreadableModel as error:
        problem = str(error)
    category: Mapping[str, Any] = report.get("category", {})
    return ModelView(
        version=version,
        current=version == current,
        made_at=written(made_at(shelf, version)),
        problem=problem,
        rows=report.get("rows"),
        accuracy=category.get("accuracy"),
        macro_f1=category.get("macro_f1"),
        calibration_error=category.get("calibration_error"),
        coverage=category.get("coverage"),
    )


async def list_models(request: web.Request) -> web.Response:
    return json_answer(await asyncio.to_thread(models_view, house_of(request)))


async def choose(request: web.Request) -> web.Response:
    """Switch the pointer; every process meets the new model within seconds, no request is lost."""
    house, wanted = house_of(request), await read_body(request, Choice)
    before = shelf_of(house).current()
    try:
        await asyncio.to_thread(_switch, house, wanted.version)
    except (UnreadableModel, ValueError) as error:
        raise bad_fields([FieldError("version", str(error))]) from None
    await house.store.account_events.add(
        actor_of(request), Deed.MODEL_CHOSEN, wanted.version, house.now(), {"before": before}
    )
    return json_answer(await asyncio.to_thread(models_view, house))


def _switch(house: House, version: str) -> None:
    """Raises UnreadableModel for a version that cannot be read, ValueError for one that does not fit the categories."""
    shelf = shelf_of(house)
    if version not in shelf.versions():
        raise UnreadableModel(f"模型库中没有版本“{version[:60]}”")
    EmbeddedEngine(shelf.load(version), house.tree, house.settings.router.place_words)
    shelf.make_current(version)


async def corrections(request: web.Request) -> web.Response:
    house = house_of(request)
    limit = read_number(request, "limit", default=50, least=1, most=500)
    return json_answer({"corrections": await corrections_view(house, limit)})


async def corrections_view(house: House, limit: int) -> list[dict[str, Any]]:
    """What people set right last, as the API and the administrator's page show it."""
    return [
        {
            "ticket_no": one.ticket_no,
            "at": written(one.at),
            "actor": one.actor,
            "text": one.text,
            "before": {"code": one.before, "name": house.tree.name_of(one.before)},
            "after": {"code": one.after, "name": house.tree.name_of(one.after)},
            "note": one.note,
        }
        for one in await house.store.corrections.latest(limit)
    ]


async def quality(request: web.Request) -> web.Response:
    count = read_number(request, "weeks", default=8, least=1, most=104)
    return json_answer({"weeks": await quality_view(house_of(request), count)})


async def quality_view(house: House, count: int) -> list[dict[str, Any]]:
    """The last `count` weeks, the oldest first, category by category, as the API and the administrator's page show them."""
    now = house.now()
    monday = local(now).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local(now).weekday())
    weeks = [monday - timedelta(weeks=back) for back in range(count - 1, -1, -1)]
    found = await house.store.corrections.untouched(weeks, now)
    return [
        {
            "week": f"{local(one.week):%Y-%m-%d}",
            "category": {"code": one.category, "name": house.tree.name_of(one.category)},
            "tickets": one.tickets,
            "never_corrected": one.never_corrected,
            "share": one.never_corrected / one.tickets,
        }
        for one in found
    ]
