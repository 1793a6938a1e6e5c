"""Which engine reads complaints, and how a running service takes a new model without a restart or a lost request."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from domain.category import CategoryTree
from domain.understanding import Engine
from intake_bot.house import CannotStart
from intake_bot.settings import Deployment
from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.model import Model
from nlu.embedded.watch import WatchingEngine
from nlu.models import ModelShelf, UnreadableModel
from nlu.rasa_engine import RasaSettings
from nlu.rasa_server import NotBuilt, open_rasa
from nlu.training import ensure_model

log = structlog.get_logger()

LOOK_EVERY = 3.0
"""Seconds between two looks at which model is current."""


def build_engine(deployment: Deployment, tree: CategoryTree) -> EmbeddedEngine:
    """The embedded engine with a model that fits today's corpus and tree; trains it first where there is none."""
    return _over(ensure_model(deployment.path(deployment.settings.nlu.model_dir), tree), deployment, tree)


def _over(model: Model, deployment: Deployment, tree: CategoryTree) -> EmbeddedEngine:
    return EmbeddedEngine(model, tree, deployment.settings.router.place_words)


@asynccontextmanager
async def open_engine(deployment: Deployment, tree: CategoryTree) -> AsyncIterator[Engine]:
    """The engine of a running service: it follows the shelf's current model for as long as it is open."""
    shelf = ModelShelf(deployment.path(deployment.settings.nlu.model_dir))
    first = await asyncio.to_thread(build_engine, deployment, tree)
    engine = WatchingEngine(shelf, first, lambda model: _over(model, deployment, tree))
    watch = asyncio.create_task(_follow(engine), name="model-watch")
    try:
        async with _outer(deployment, tree, engine) as speaking:
            yield speaking
    except NotBuilt as error:
        raise CannotStart(str(error)) from None
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


@asynccontextmanager
async def _outer(deployment: Deployment, tree: CategoryTree, embedded: Engine) -> AsyncIterator[Engine]:
    """The configured engine; Rasa has the embedded one beside it, which answers while Rasa cannot."""
    if deployment.settings.nlu.engine == "embedded":
        yield embedded
        return
    asked = deployment.settings.nlu.rasa
    settings = RasaSettings(
        url=asked.url,
        token=os.environ.get(asked.token_env, "") if asked.token_env else "",
        timeout_seconds=asked.timeout_seconds,
        connections=asked.connections,
        longest_text=asked.longest_text,
    )
    async with open_rasa(embedded, tree, settings) as engine:
        yield engine


async def _follow(engine: WatchingEngine) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            if await asyncio.to_thread(engine.reload_if_changed):
                log.info("model_switched", version=engine.version)
        except (UnreadableModel, ValueError) as error:
            log.error("model_not_switched", error=str(error), still=engine.version)
