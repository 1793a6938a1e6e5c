"""`/admin`: what needs the administrator's attention, and how channels, outbox, model, calendar, database and timers stand.

Each part is a row or card of its own; the pages behind them are `admin_people`, `admin_records` and `admin_system`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from aiohttp import web

from domain.people import Role
from domain.worktime import ANNOUNCED_YEARS, WorkCalendar, local
from intake_bot.api.accounts import token_list
from intake_bot.api.audit import Verification, last_verification
from intake_bot.api.models import made_at, quality_view, shelf_of
from intake_bot.api.outbox import OutboxView, outbox_view
from intake_bot.api.routes import Route, house_of
from intake_bot.api.users import every_user
from intake_bot.backups import LastBackup, last_backup, size_name
from intake_bot.house import House
from intake_bot.pages.admin_people import people_routes
from intake_bot.pages.admin_records import record_routes
from intake_bot.pages.admin_system import ConfigState, config_state, system_routes
from intake_bot.pages.board_exchange import Exchange, exchange_of
from intake_bot.pages.rendering import page
from intake_bot.pages.times import ago, local_time
from intake_bot.platform_scores import PlatformScore
from storage.condition import ChannelCondition, JobCondition

ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
WEEKS = 4
FEWEST = 5
"""Tickets below which a category's share says nothing."""
HOLIDAYS_AHEAD = 120
TOKEN_ENDS_SOON = timedelta(days=14)

JOB_NAMES = {
    "calendar": "按日历重算时限",
    "daily_figures": "每日指标",
    "search": "查找索引",
    "lights": "亮灯",
    "suspensions": "挂起到期",
    "escalation": "逐级督办",
    "posts": "离岗顶班",
    "orders": "督办答复",
    "gaps": "程序缺项",
    "purge": "清理过期记录",
    "delivery": "发送通知",
    "freeze_assessment": "月度考核定稿",
    "reports": "定期报告",
    "forget_conversations": "删除过期对话",
    "backup": "每日备份",
    "incidents": "比对同一事件",
    "reconcile": "与平台核对",
    "polling": "拉取平台来件",
    "webhooks": "推送事件",
}


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to be looked at: `tone` is that of a notice, `href` the page where it is put right."""

    tone: str
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel: is its secret set, when did it last send, and what became of it in this process.

    `differing`: how many differences with the platform's list wait; None where nothing is compared. `score`: how our reports
    of this month would be scored; None where nothing is reported.
    """

    code: str
    name: str
    path: str
    secret_env: str
    ready: bool
    last_at: datetime | None
    today: int
    taken: int
    duplicates: int
    refused: int
    unsigned: int
    differing: int | None
    score: PlatformScore | None


@dataclass(frozen=True, slots=True)
class Holiday:
    """A run of days off that have a name, or a weekend day that is worked."""

    first: date
    last: date
    name: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class CategoryShare:
    """How often the model's word for a category stood, over the last weeks."""

    name: str
    tickets: int
    share: float


def admin_routes() -> list[Route]:
    """Every page under `/admin`."""
    return [
        Route("GET", "/admin", show_home, "系统管理：概况", "pages", ADMINISTRATORS, page=True),
        *people_routes(),
        *record_routes(),
        *system_routes(),
    ]


async def show_home(request: web.Request) -> web.Response:
    house = house_of(request)
    now = house.now()
    config = await asyncio.to_thread(config_state, house)
    outbox = await outbox_view(house)
    conditions = await house.store.conditions.channels(house.channels, _midnight(now))
    rows = channel_rows(house, conditions, await exchange_of(request))
    weeks = await quality_view(house, WEEKS)
    years = [year for year in (local(now).year, local(now).year + 1) if year not in ANNOUNCED_YEARS]
    provisional = await house.store.conditions.provisional_deadlines()
    verified = await last_verification(house)
    backup = await last_backup(house.store)
    backup_old = backup is None or now - backup.at > timedelta(days=house.settings.backup.warn_after_days)
    jobs = await house.store.conditions.jobs()
    concerns = [
        *_of_config(config),
        *_of_channels(house, rows),
        *_of_outbox(outbox),
        *_of_calendar(years, provisional),
        *_of_record(verified),
        *_of_backup(backup, backup_old, house),
        *await _of_accounts(house),
        *_of_model(house),
        *_of_jobs(house),
    ]
    return page(
        request,
        "admin/home.html",
        concerns=concerns,
        channels=rows,
        outbox=outbox,
        weekly=weekly(weeks),
        worst=worst(weeks),
        speaking=house.engine.version,
        engine=house.engine.name,
        corrections=await _corrections_waiting(house),
        years=years,
        provisional=provisional,
        overrides=house.settings.calendar.overrides,
        holidays=list(holidays(house.calendar, local(now).date())),
        database=await house.store.conditions.database(),
        verified=verified,
        backup=backup,
        backup_ago=ago(backup.at, now) if backup else "",
        backup_size=size_name(backup.bytes) if backup else "",
        backup_old=backup_old,
        backup_settings=house.settings.backup,
        jobs=[_named(one) for one in jobs],
        failures=[(_job_name(job), count) for job, count in house.counters.failed_jobs().items()],
    )


def channel_rows(house: House, found: Sequence[ChannelCondition], exchange: Exchange) -> list[ChannelRow]:
    """The channels in the order of `config.yml`."""
    counts = house.counters.by_channel()
    differing = {one.channel: one.open for one in exchange.compared}
    scores = {one.channel: one for one in exchange.scores.channels}
    rows = []
    for one in found:
        settings, here = house.channels[one.channel].settings, counts.get(one.channel, {})
        rows.append(
            ChannelRow(
                code=one.channel,
                name=settings.name,
                path=settings.path,
                secret_env=settings.secret_env,
                ready=bool(house.secrets.get(one.channel)),
                last_at=one.last_at,
                today=one.since,
                taken=here.get("taken", 0),
                duplicates=here.get("duplicate", 0),
                refused=here.get("refused", 0),
                unsigned=here.get("unsigned", 0),
                differing=differing.get(one.channel),
                score=scores.get(one.channel),
            )
        )
    return rows


def weekly(weeks: Sequence[dict[str, Any]]) -> list[tuple[str, int, float]]:
    """Week by week: its Monday, its tickets, the share that nobody corrected."""
    found: dict[str, tuple[int, int]] = {}
    for one in weeks:
        tickets, kept = found.get(one["week"], (0, 0))
        found[one["week"]] = (tickets + one["tickets"], kept + one["never_corrected"])
    return [(week, tickets, kept / tickets) for week, (tickets, kept) in sorted(found.items())]


def worst(weeks: Sequence[dict[str, Any]], most: int = 5) -> list[CategoryShare]:
    """The categories that were corrected most often; those with few tickets say nothing."""
    found: dict[str, tuple[int, int]] = {}
    for one in weeks:
        name = one["category"]["name"]
        tickets, kept = found.get(name, (0, 0))
        found[name] = (tickets + one["tickets"], kept + one["never_corrected"])
    shares = [CategoryShare(name, n, kept / n) for name, (n, kept) in found.items() if n >= FEWEST and kept < n]
    return sorted(shares, key=lambda one: (one.share, -one.tickets))[:most]


def holidays(calendar: WorkCalendar, today: date) -> Iterator[Holiday]:
    """What differs from plain weeks in the months ahead: named days off run by run, and weekend days that are worked."""
    run: Holiday | None = None
    for ahead in range(HOLIDAYS_AHEAD):
        day = today + timedelta(days=ahead)
        facts = calendar.day(day)
        special = facts.note not in {"", "周末"}
        if run is not None and special and facts.note == run.name and day - run.last == timedelta(days=1):
            run = Holiday(run.first, day, run.name, run.provisional or facts.provisional)
            continue
        if run is not None:
            yield run
        run = Holiday(day, day, facts.note, facts.provisional) if special else None
    if run is not None:
        yield run


def _midnight(now: datetime) -> datetime:
    return local(now).replace(hour=0, minute=0, second=0, microsecond=0)


async def _corrections_waiting(house: House) -> int:
    """Corrections that were made after the current model was put on the shelf."""
    shelf = shelf_of(house)
    current = shelf.current()
    try:
        since = made_at(shelf, current) if current else None
    except OSError:
        since = None
    return await house.store.conditions.corrections_since(since) if since else 0


def _named(job: JobCondition) -> JobCondition:
    return JobCondition(_job_name(job.job), job.last_at, job.behind)


def _job_name(job: str) -> str:
    """By name; one that is done for each channel by itself (`reconcile:12345`) with the channel."""
    kind, _, channel = job.partition(":")
    name = JOB_NAMES.get(kind, kind)
    return f"{name}（{channel}）" if channel else name


def _of_config(config: ConfigState) -> Iterator[Concern]:
    if config.mistakes:
        words = f"config.yml 有 {len(config.mistakes)} 处错误，改正之前服务不能重新启动"
        yield Concern("wrong", words, "/admin/config")
    elif config.differs:
        yield Concern("warning", "config.yml 在服务启动后改动过，重新启动后生效", "/admin/config")


def _of_channels(house: House, rows: Sequence[ChannelRow]) -> Iterator[Concern]:
    for one in rows:
        if not one.ready:
            yield Concern("warning", f"渠道“{one.name}”没有设置密钥（环境变量 {one.secret_env}），暂不接收来件")
    for variable, said in house.deployment.unset:
        yield Concern("warning", f"环境变量 {variable} 没有设置，{said}")


def _of_outbox(outbox: OutboxView) -> Iterator[Concern]:
    if outbox.parked:
        words = f"有 {outbox.parked} 条通知停发，最多的原因：{outbox.reasons[0].error}"
        yield Concern("warning", words, "/admin/outbox")


def _of_calendar(years: Sequence[int], provisional: int) -> Iterator[Concern]:
    for year in years:
        effect = f"，涉及的 {provisional} 个时限为暂定，公布后自动重算" if provisional else ""
        words = f"{year} 年放假安排尚未公布（或 chinesecalendar 需要更新）{effect}"
        yield Concern("warning", words, "#calendar")


def _of_record(verified: tuple[str, Verification] | None) -> Iterator[Concern]:
    if verified is None:
        yield Concern("plain", "留痕还没有校验过，建议每月校验一次", "/admin/audit")
        return
    at, found = verified
    for name, chain in (("工单留痕", found.tickets), ("管理留痕", found.accounts)):
        if not chain.intact:
            words = f"{local_time(at)} 校验发现{name}第 {chain.broken_at} 条起不符：{chain.reason}"
            yield Concern("wrong", words, "/admin/audit")


def _of_backup(last: LastBackup | None, old: bool, house: House) -> Iterator[Concern]:
    settings = house.settings.backup
    if not old:
        return
    if last is None:
        words = "数据库还没有备份过"
    else:
        words = f"最近一次备份是 {local_time(last.at)}，已超过 {settings.warn_after_days} 天"
    if settings.at is None:
        by_itself = "没有设置每日自动备份"
    elif last is None:
        by_itself = f"将于每日 {settings.at:%H:%M} 自动备份"
    else:
        by_itself = f"每日 {settings.at:%H:%M} 的自动备份没有成功，详见日志"
    yield Concern("warning", f"{words}；{by_itself}", "#backup")


async def _of_accounts(house: House) -> list[Concern]:
    found = []
    users = await every_user(house)
    administrators = [one for one in users if one.role is Role.ADMINISTRATOR and not one.disabled]
    if len(administrators) == 1:
        words = f"只有一名管理员（{administrators[0].account}），忘记口令时无人能重设，建议再设一名"
        found.append(Concern("plain", words, "/admin/users"))
    locked = [one.account for one in users if one.locked_until is not None]
    if locked:
        words = f"账号 {'、'.join(locked[:3])}{'等' if len(locked) > 3 else ' '}因多次输错口令被锁定"
        found.append(Concern("warning", words, "/admin/users"))
    soon = local(house.now() + TOKEN_ENDS_SOON).isoformat()
    found += [
        Concern("warning", f"令牌“{one.name}”将于 {local_time(one.expires_at)} 到期", "/admin/tokens")
        for one in (await token_list(house)).tokens
        if one.valid and one.expires_at < soon
    ]
    return found


def _of_model(house: House) -> Iterator[Concern]:
    current = shelf_of(house).current()
    if current and house.engine.name == "embedded" and house.engine.version != current:
        words = f"选用的模型 {current} 还没有启用，现在用的是 {house.engine.version}；几秒后仍如此，请检查模型文件"
        yield Concern("warning", words, "/admin/models")


def _of_jobs(house: House) -> Iterator[Concern]:
    for job, count in house.counters.failed_jobs().items():
        yield Concern("warning", f"定时任务“{_job_name(job)}”在本进程中出错 {count} 次，详见日志", "#jobs")
