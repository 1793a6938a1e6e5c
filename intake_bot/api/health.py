"""Whether the service lives, whether it can take complaints now, and its counters for Prometheus."""

from __future__ import annotations

from math import inf

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from prometheus_client.core import CollectorRegistry

from intake_bot.api.problems import busy
from intake_bot.api.routes import Route, house_of, json_answer
from intake_bot.backups import last_backup
from storage.store import StorageUnavailable
from storage.tickets import TicketFilter


def health_routes() -> list[Route]:
    return [
        Route(
            "GET",
            "/healthz",
            alive,
            "服务进程是否在运行",
            "operations",
            answers={200: ("在运行", {"$ref": "#/components/schemas/Health"})},
        ),
        Route(
            "GET",
            "/readyz",
            ready,
            "现在能否受理（数据库可用）",
            "operations",
            answers={200: ("可以受理", {"$ref": "#/components/schemas/Health"})},
        ),
        Route(
            "GET",
            "/metrics",
            metrics,
            "Prometheus 指标",
            "operations",
            answers={200: ("Prometheus 文本格式", {"type": "string"})},
            answer_type="text/plain",
        ),
    ]


async def alive(request: web.Request) -> web.Response:
    """Answers as long as the event loop turns; asks nothing of the database."""
    return json_answer({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    house = house_of(request)
    try:
        await house.store.ping()
    except StorageUnavailable:
        raise busy("数据库暂时不可用") from None
    return json_answer({"status": "ok", "model": f"{house.engine.name}/{house.engine.version}"})


async def metrics(request: web.Request) -> web.Response:
    """What this process counted, and what stands in the database: open tickets by light, the outbox, the last backup."""
    house = house_of(request)
    standing = CollectorRegistry()
    try:
        lights = await house.store.tickets.light_counts(TicketFilter())
        outbox = await house.store.outbox.counts()
        backup = await last_backup(house.store)
    except Exception as error:
        raise busy("数据库暂时不可用，指标不完整") from error
    by_light = Gauge("intake_open_tickets", "Open tickets by light", ["light"], registry=standing)
    for light, count in lights.items():
        by_light.labels(light).set(count)
    oldest = Gauge("intake_backup_age_seconds", "Age of the last checked backup; +Inf for none", registry=standing)
    oldest.set((house.now() - backup.at).total_seconds() if backup else inf)
    by_state = Gauge("intake_outbox", "Outbox rows by state", ["state"], registry=standing)
    for state, count in outbox.items():
        by_state.labels(state).set(count)
    body = generate_latest(house.counters.registry) + generate_latest(standing)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
