"""`/board`: the supervisor's page, its live part, the wall screen and the table of all metrics.

Handlers compose; what the figures are is in `board_figures`, what is so now in `board_now`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web

from domain.light import Light
from domain.people import SUPERVISION_GROUP
from domain.worktime import local
from intake_bot.api.filters import read_word
from intake_bot.api.problems import FieldError, bad_fields
from intake_bot.api.routes import LEADERS, Route, house_of
from intake_bot.house import House
from intake_bot.pages.board_assessment import fetch_range, show_assessment, show_reports, show_trial
from intake_bot.pages.board_exchange import exchange_of, show_exchange
from intake_bot.pages.board_exchange import show_reports as show_told
from intake_bot.pages.board_figures import MOST_CATEGORIES, RANKED_BY, BoardFigures, days_in_words
from intake_bot.pages.board_lists import show_tickets, tickets_file
from intake_bot.pages.board_now import read_now
from intake_bot.pages.board_query import (
    PERIOD_NAMES,
    STEP_NAMES,
    Chosen,
    PeriodChoice,
    Step,
    channel_names,
    read_chosen,
    read_step,
    unit_names,
)
from intake_bot.pages.rendering import fragment, page, see_other
from storage.figures import Dimension
from supervision.figures import Comparison
from supervision.hot_spots import FEWEST_STRETCHES, RULE
from supervision.metrics import BY_CODE

WALL_DAYS = 30
"""The period of the wall screen's figures."""

WALL_ROWS = 8
"""Overdue limits that the wall screen has room for."""


@dataclass(frozen=True, slots=True)
class PeriodLink:
    """A button that chooses a period."""

    name: str
    address: str
    current: bool


def board_routes() -> list[Route]:
    def row(path: str, handler: Any, summary: str) -> Route:
        return Route("GET", path, handler, summary, "pages", LEADERS, page=True)

    return [
        row("/board", show_board, "督办看板"),
        row("/board/now", show_now, "督办看板中随时更新的部分：灯色、今日、超期、待裁定、督办"),
        row("/board/metrics", show_metrics, "全部指标：数值、定义、与上期和上年同期比较"),
        row("/board/wall", show_wall, "大屏"),
        row("/board/wall/now", show_wall_now, "大屏中随时更新的部分"),
        row("/board/tickets", show_tickets, "看板数字所依据的工单"),
        row("/board/tickets.csv", tickets_file, "看板数字所依据的工单（CSV 文件，与页面相同）"),
        row("/board/tickets/{no}", show_ticket, "打开一件工单"),
        row("/board/assessment", show_assessment, "月度考核：得分、排名、定档、加减分、申诉"),
        row("/board/assessment/trial", show_trial, "用另一套权重试算月度考核"),
        row("/board/exchange", show_exchange, "平台往来：对账的差异、回传质量自评"),
        row("/board/exchange/reports", show_told, "回传质量自评的数字所依据的回传"),
        row("/board/reports", show_reports, "统计报告下载"),
        row("/board/reports/range", fetch_range, "起止日期（均含）之间的统计报告"),
    ]


async def show_board(request: web.Request) -> web.Response:
    house = house_of(request)
    chosen, rank_by = read_chosen(request, house), _read_rank(request)
    step = read_step(request, chosen)
    figures = BoardFigures(house, chosen)
    spots, grids, nowhere = await figures.spots()
    hot, hot_spots = await figures.hot_spots()
    handler_standing = await figures.ranking(Dimension.HANDLER, rank_by)
    return page(
        request,
        "board/board.html",
        **_choices(house, chosen),
        **await _now(house, chosen),
        exchange=await exchange_of(request),
        tiles=await figures.tiles(),
        responses=await figures.responses(),
        trend=await figures.trend(step),
        step=step,
        steps=[(STEP_NAMES[one], _address(chosen, rank_by, one), one is step) for one in chosen.steps],
        kinds=await figures.shares(Dimension.KIND),
        channel_shares=await figures.shares(Dimension.CHANNEL),
        categories=await figures.shares(Dimension.CATEGORY, MOST_CATEGORIES),
        spots=spots,
        grids=grids,
        nowhere=nowhere,
        schematic=house.deployment.boundaries.schematic,
        map=house.settings.map,
        assignable=_assignable(house),
        rankings=(("承办单位", await figures.ranking(Dimension.BRIGADE, rank_by)), ("经办人", handler_standing)),
        rank_metrics=[BY_CODE[code] for code in RANKED_BY],
        rank_by=rank_by,
        smallest_ranked=house.settings.supervision.smallest_ranked,
        hot=hot,
        hot_spots=hot_spots,
        hot_rule=RULE,
        fewest_stretches=FEWEST_STRETCHES,
    )


async def show_now(request: web.Request) -> web.Response:
    house = house_of(request)
    chosen = read_chosen(request, house)
    return fragment(request, "board/now.html", chosen=chosen, **await _now(house, chosen))


async def show_metrics(request: web.Request) -> web.Response:
    house = house_of(request)
    chosen = read_chosen(request, house)
    figures = BoardFigures(house, chosen)
    return page(request, "board/metrics.html", **_choices(house, chosen), tiles=await figures.every_metric())


async def show_ticket(request: web.Request) -> web.Response:
    """A ticket is read and worked on at the desk."""
    return see_other(f"/desk/{quote(request.match_info['no'], safe='')}")


async def show_wall(request: web.Request) -> web.Response:
    return page(request, "board/wall.html", **await _wall(house_of(request)))


async def show_wall_now(request: web.Request) -> web.Response:
    return fragment(request, "board/wall_now.html", **await _wall(house_of(request)))


async def _wall(house: House) -> dict[str, Any]:
    """Everything that hangs on the wall: now, and the last thirty days."""
    today = local(house.now()).date()
    chosen = Chosen(PeriodChoice.CUSTOM, today - timedelta(days=WALL_DAYS - 1), today, None, None)
    figures = BoardFigures(house, chosen)
    spots, _, _ = await figures.spots()
    _, hot_spots = await figures.hot_spots()
    return {
        "now_view": await read_now(house, chosen, WALL_ROWS),
        "lights": tuple(Light),
        "responses": await figures.responses(),
        "trend": await figures.trend(Step.DAY),
        "categories": await figures.shares(Dimension.CATEGORY, 6),
        "spots": spots,
        "hot_spots": hot_spots,
        "days": WALL_DAYS,
        "map": house.settings.map,
    }


def _assignable(house: House) -> dict[str, str]:
    """The units that a matter can be given to: those with a grid, and the group that looks into our own people."""
    with_grid = {grid.unit for grid in house.settings.router.territory.grids}
    return {code: name for code, name in unit_names(house).items() if code in with_grid | {SUPERVISION_GROUP}}


async def _now(house: House, chosen: Chosen) -> dict[str, Any]:
    return {"now_view": await read_now(house, chosen), "lights": tuple(Light)}


def _choices(house: House, chosen: Chosen) -> dict[str, Any]:
    """What the bar at the top of a page offers, and what it says of the period."""
    figures = BoardFigures(house, chosen)
    return {
        "chosen": chosen,
        "period_links": [
            PeriodLink(name, chosen.address_now("", period=period) or "?", period is chosen.period)
            for period, name in PERIOD_NAMES.items()
            if period is not PeriodChoice.CUSTOM
        ],
        "channels": channel_names(house),
        "units": unit_names(house),
        "period_words": days_in_words(chosen.slice),
        "previous_words": days_in_words(figures.compared_with(Comparison.PREVIOUS)),
        "last_year_words": days_in_words(figures.compared_with(Comparison.LAST_YEAR)),
        "today": local(house.now()).date(),
    }


def _address(chosen: Chosen, rank_by: str, step: Step) -> str:
    return f"{chosen.address('/board', period=chosen.period, rank=rank_by, step=step)}#trend"


def _read_rank(request: web.Request) -> str:
    code = read_word(request, "rank") or RANKED_BY[0]
    if code not in RANKED_BY:
        raise bad_fields([FieldError("rank", f"不能按“{code[:40]}”排名；可用：{'、'.join(RANKED_BY)}")])
    return code
