"""`/admin/config`, `/admin/models`: the configuration as it stands with its mistakes, and the models to choose from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from domain.people import Role
from intake_bot.api.models import ModelView, corrections_view, models_view, quality_view
from intake_bot.api.routes import Route, house_of
from intake_bot.config_file import ConfigurationError, Mistake
from intake_bot.house import House
from intake_bot.pages.rendering import page
from intake_bot.settings import load_deployment
from intake_bot.settings_reference import settings

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
WEEKS = 8
CORRECTIONS = 50
VERSIONS = 30
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:'\"]*:[^\s/@'\"]+(?=@)")
"""`user:password` in an address: nobody should write one here, and nobody gets to read it here."""


@dataclass(frozen=True, slots=True)
class ConfigState:
    """The file as it is on disk now. `differs`: it is right, but not what this process runs with."""

    path: Path
    lines: Sequence[str]
    mistakes: Sequence[Mistake]
    differs: bool


def system_routes() -> list[Route]:
    return [
        Route("GET", "/admin/config", show_config, "系统管理：配置", "pages", ADMINISTRATORS, page=True),
        Route("GET", "/admin/models", show_models, "系统管理：模型", "pages", ADMINISTRATORS, page=True),
    ]


def config_state(house: House) -> ConfigState:
    """Read and check `config.yml` anew; takes a moment, so not on the event loop."""
    path = house.deployment.file
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    lines = [_CREDENTIALS.sub("***", line) for line in text.splitlines()]
    try:
        written = load_deployment(path, house.tree)
    except ConfigurationError as error:
        return ConfigState(path, lines, error.mistakes, differs=False)
    return ConfigState(path, lines, (), differs=written.settings != house.settings)


async def show_config(request: web.Request) -> web.Response:
    state = await asyncio.to_thread(config_state, house_of(request))
    wrong: dict[int, list[str]] = {}
    for one in state.mistakes:
        wrong.setdefault(one.line, []).append(one.message)
    return page(
        request,
        "admin/config.html",
        state=state,
        lines=[(number, line, wrong.get(number, [])) for number, line in enumerate(state.lines, start=1)],
        reference=[(name, said, default.replace("`", "")) for name, said, default in settings()],
    )


async def show_models(request: web.Request) -> web.Response:
    house = house_of(request)
    found = await asyncio.to_thread(models_view, house)
    models: list[ModelView] = found["models"]
    newest = sorted(models, key=lambda one: one.made_at, reverse=True)
    current = next((one for one in models if one.current), None)
    return page(
        request,
        "admin/models.html",
        speaking=found["speaking"],
        models=newest[:VERSIONS],
        older=max(0, len(newest) - VERSIONS),
        current=current,
        weeks=(await quality_view(house, WEEKS))[::-1],
        corrections=await corrections_view(house, CORRECTIONS),
        shown=CORRECTIONS,
    )
