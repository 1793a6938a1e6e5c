"""`/api/v1/reconciliation`: where platforms' lists and ours disagree, and settling it. Not: how they are compared."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from intake_bot.api.bodies import read_body, schema_of
from intake_bot.api.filters import read_flag, read_number, read_word, whole_number
from intake_bot.api.problems import FieldError, bad_fields, not_found
from intake_bot.api.routes import DESK, LEADERS, Parameter, Route, actor_of, house_of, json_answer
from intake_bot.api.views import moment, written
from intake_bot.house import House
from intake_bot.reconciling import reconcile
from storage.reconciliation import LONGEST_NOTE, NotOpen, Run, StoredDifference

KIND_NAMES: dict[str, str] = {"missing_here": "我方缺少", "missing_there": "平台缺少", "state": "状态不同"}


@dataclass(frozen=True, slots=True)
class Settle:
    """处理差异：note 说明怎样处理的，必填。"""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """立即核对一个渠道。"""

    channel: str


@dataclass(frozen=True, slots=True)
class RunView:
    """一次核对。error 不为空时没有核对成。"""

    channel: str
    day: str
    at: str
    theirs: int
    ours: int
    fetched: int
    differing: int
    error: str


@dataclass(frozen=True, slots=True)
class ChannelView:
    """一个渠道：待处理的差异数，最近一次核对。"""

    channel: str
    name: str
    open: int
    last_run: RunView | None


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """一处差异。"""

    id: int
    channel: str
    source_no: str
    ticket_no: str
    kind: str
    kind_name: str
    theirs: str
    ours: str
    found_at: str
    seen_at: str
    settled_at: str | None
    settled_by: str
    note: str


@dataclass(frozen=True, slots=True)
class FetchView:
    """自动拉取的列表（pull:渠道）或查看的文件夹（folder:渠道）：读到什么时间，最近一次出了什么错（空为没有）。"""

    source: str
    until: str
    at: str
    error: str


@dataclass(frozen=True, slots=True)
class ReconciliationView:
    """各渠道的核对情况，自动拉取的情况，和一页差异（从新到旧）。next_before 传入 before 得到下一页。"""

    channels: tuple[ChannelView, ...]
    fetches: tuple[FetchView, ...]
    differences: tuple[DifferenceView, ...]
    next_before: int | None


def reconciliation_routes() -> list[Route]:
    return [
        Route(
            "GET",
            "/api/v1/reconciliation",
            show,
            "对账：各渠道最近一次核对，以及尚未处理（或已处理）的差异",
            "supervision",
            DESK,
            parameters=(
                Parameter("channel", "渠道代码"),
                Parameter("settled", "true：已处理的", {"type": "boolean"}),
                Parameter("before", "上一页返回的 next_before", {"type": "integer"}),
                Parameter("limit", "每页条数，1 至 200", {"type": "integer", "minimum": 1, "maximum": 200}),
            ),
            answers={200: ("核对情况", schema_of(ReconciliationView))},
        ),
        Route(
            "POST",
            "/api/v1/reconciliation/run",
            run_now,
            "立即核对一个渠道",
            "supervision",
            LEADERS,
            body=schema_of(Compare),
            answers={200: ("这一次核对", schema_of(RunView))},
        ),
        Route(
            "POST",
            "/api/v1/reconciliation/{id}/settle",
            settle,
            "处理一处差异，并说明怎样处理的",
            "supervision",
            LEADERS,
            parameters=(Parameter("id", "差异编号", {"type": "integer"}, place="path"),),
            body=schema_of(Settle),
            answers={200: ("处理后的差异", schema_of(DifferenceView))},
        ),
    ]


async def show(request: web.Request) -> web.Response:
    house = house_of(request)
    limit = read_number(request, "limit", default=50, least=1, most=200)
    before = read_number(request, "before", default=0, least=0, most=10**9)
    rows = await house.store.reconciliation.differences(
        channel=read_word(request, "channel"),
        settled=read_flag(request, "settled"),
        before=before or None,
        limit=limit,
    )
    return json_answer(
        ReconciliationView(
            channels=await channel_views(house),
            fetches=tuple(
                FetchView(one.source, written(one.until), written(one.at), one.error)
                for one in await house.store.fetches.all()
            ),
            differences=tuple(_difference(one) for one in rows),
            next_before=rows[-1].id if len(rows) == limit else None,
        )
    )


async def channel_views(house: House) -> tuple[ChannelView, ...]:
    """Each channel that is compared, as the API and the board show it."""
    counts = await house.store.reconciliation.open_counts()
    runs = await house.store.reconciliation.last_runs()
    return tuple(
        ChannelView(
            code, house.channels[code].settings.name, counts.get(code, 0), _run(runs[code]) if code in runs else None
        )
        for code in house.settings.exchange.ledgers
    )


async def run_now(request: web.Request) -> web.Response:
    house = house_of(request)
    wanted = await read_body(request, Compare)
    ledger = house.settings.exchange.ledgers.get(wanted.channel)
    if ledger is None:
        known = "、".join(house.settings.exchange.ledgers) or "无"
        raise bad_fields(
            [FieldError("channel", f"渠道“{wanted.channel}”没有配置平台台账（exchange.ledgers）；已配置：{known}")]
        )
    return json_answer(_run(await reconcile(house, house.channels[wanted.channel], ledger, house.now())))


async def settle(request: web.Request) -> web.Response:
    house, number = house_of(request), whole_number(request.match_info["id"])
    wanted = await read_body(request, Settle)
    note = wanted.note.strip()
    if not note or len(note) > LONGEST_NOTE:
        raise bad_fields([FieldError("note", f"请说明怎样处理的（note），不超过 {LONGEST_NOTE} 字")])
    if number is None:
        raise not_found("没有这处差异")
    try:
        changed = await house.store.reconciliation.settle(number, note, actor_of(request).name, house.now())
    except NotOpen:
        raise not_found("没有这处待处理的差异，可能已经处理") from None
    return json_answer(_difference(changed))


def _run(run: Run) -> RunView:
    return RunView(run.channel, run.day, written(run.at), run.theirs, run.ours, run.fetched, run.differing, run.error)


def _difference(one: StoredDifference) -> DifferenceView:
    return DifferenceView(
        id=one.id,
        channel=one.channel,
        source_no=one.source_no,
        ticket_no=one.ticket_no,
        kind=one.kind,
        kind_name=KIND_NAMES[one.kind],
        theirs=one.theirs,
        ours=one.ours,
        found_at=written(one.found_at),
        seen_at=written(one.seen_at),
        settled_at=moment(one.settled_at),
        settled_by=one.settled_by,
        note=one.note,
    )
