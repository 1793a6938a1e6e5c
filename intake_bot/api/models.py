"""`/api/v1/models`: which models there are, which one speaks, and how often its word stood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from domain.people import Role
from domain.worktime import local
from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import read_number
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import Parameter, Route, house_of, json_answer
from nlu.models import ModelShelf, UnreadableModel

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
SUPERVISORS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_WHOLE: dict[str, Any] = {"type": "integer"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_MODELS = _object(
    current={"type": ["string", "null"]},
    speaking=_TEXT,
    models={
        "type": "array",
        "items": _object(version=_TEXT, current={"type": "boolean"}, rows=_WHOLE, accuracy=_NUMBER, macro_f1=_NUMBER),
    },
)
_QUALITY = _object(
    weeks={
        "type": "array",
        "items": _object(
            week=_TEXT,
            category=_object(code=_TEXT, name=_TEXT),
            tickets=_WHOLE,
            never_corrected=_WHOLE,
            share=_NUMBER,
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
            SUPERVISORS,
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
            SUPERVISORS,
            parameters=(Parameter("weeks", "最近多少周，默认 8", {"type": "integer", "minimum": 1, "maximum": 104}),),
            answers={200: ("每周比例", _QUALITY)},
        ),
    ]


def _shelf(request: web.Request) -> ModelShelf:
    deployment = house_of(request).deployment
    return ModelShelf(deployment.path(deployment.settings.nlu.model_dir))


def _described(request: web.Request) -> dict[str, Any]:
    house, shelf = house_of(request), _shelf(request)
    current = shelf.current()
    found = []
    for version in shelf.versions():
        report = shelf.description(version)["report"]
        found.append(
            {
                "version": version,
                "current": version == current,
                "rows": report["rows"],
                "accuracy": report["category"]["accuracy"],
                "macro_f1": report["category"]["macro_f1"],
            }
        )
    return {"current": current, "speaking": f"{house.engine.name}/{house.engine.version}", "models": found}


async def list_models(request: web.Request) -> web.Response:
    return json_answer(_described(request))


async def choose(request: web.Request) -> web.Response:
    """Switch the pointer; every process meets the new model within seconds, no request is lost."""
    wanted = await read_body(request, Choice)
    shelf = _shelf(request)
    try:
        shelf.load(wanted.version)
        shelf.make_current(wanted.version)
    except UnreadableModel as error:
        raise bad_fields([FieldError("version", str(error))]) from None
    return json_answer(_described(request))


async def quality(request: web.Request) -> web.Response:
    house = house_of(request)
    count = read_number(request, "weeks", default=8, least=1, most=104)
    now = house.now()
    monday = local(now).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local(now).weekday())
    weeks = [monday - timedelta(weeks=back) for back in range(count - 1, -1, -1)]
    found = await house.store.corrections.untouched(weeks, now)
    return json_answer(
        {
            "weeks": [
                {
                    "week": f"{local(one.week):%Y-%m-%d}",
                    "category": {"code": one.category, "name": house.tree.name_of(one.category)},
                    "tickets": one.tickets,
                    "never_corrected": one.never_corrected,
                    "share": one.never_corrected / one.tickets,
                }
                for one in found
            ]
        }
    )
