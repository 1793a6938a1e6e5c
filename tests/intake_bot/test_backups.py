"""Backups as people and the timer make them: the commands, once a day among all processes, and what page and metrics say."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import town
from aiohttp.test_utils import TestClient, TestServer
from databases import sqlite_url
from parts import taken
from sealing_keys import KEYRING
from service import ROOT, Caller, copy_beside
from test_commands import run
from timer_processes import TimerProcess
from typer.testing import CliRunner

from domain.administration import Deed
from domain.category import CategoryTree
from domain.people import SYSTEM
from intake_bot.api.server import build_app
from intake_bot.backup_settings import BackupSettings
from intake_bot.backups import BackupFailed, back_up_due, is_due, last_backup, make_backup, size_name
from intake_bot.cli import app
from intake_bot.settings import load_deployment
from storage.backup import NAME
from storage.store import Store


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def config(tmp_path: Path, sqlite_database_url: str) -> Path:
    """The shipped configuration over a fresh database, with a backup every day from midnight on, of which one stays."""
    copy_beside(tmp_path)
    text = (ROOT / "config.yml").read_text(encoding="utf-8")
    for old, new in (
        ("sqlite+aiosqlite:///var/intake.db", sqlite_database_url),
        ("folder: var/backups", "folder: kept/backups"),
        ("keep: 14", "keep: 1"),
        ('at: ""', 'at: "00:00"'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "config.yml"
    file.write_text(text, encoding="utf-8")
    return file


def backups(config: Path) -> list[Path]:
    return sorted(one for one in (config.parent / "kept" / "backups").iterdir() if NAME.fullmatch(one.name))


def restored(*arguments: str, code: int = 0, config: Path) -> str:
    """What `restore` says; in this process, for a second process would only take its time."""
    done = CliRunner().invoke(app, ["restore", *arguments], env={"CONFIG": str(config), "DATABASE_URL": ""})
    assert done.exit_code == code, done.output
    return done.output


def test_the_commands_back_up_and_restore(config: Path, sqlite_database_url: str, tmp_path: Path) -> None:
    asyncio.run(three_tickets(sqlite_database_url))
    here, small = {"CONFIG": str(config), "DATABASE_URL": ""}, 32 * 1024
    full = subprocess.run(
        [sys.executable, "-m", "intake_bot", "backup", str(tmp_path / "full")],
        env={**os.environ, **here},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)),
    )
    assert full.returncode == 3 and full.stderr.startswith("没有备份：") and "磁盘空间" in full.stderr, full.stderr
    assert list((tmp_path / "full").iterdir()) == []

    told = run("backup", **here)
    (file,) = backups(config)
    assert str(file) in told and "工单 3 件，留痕 6 条完整" in told
    assert "没有恢复：库中已有工单" in restored(str(file), code=3, config=config)
    file.with_name(f"{file.name}.json").unlink()
    another = tmp_path / "another.db"
    told = restored(str(file), "--into", f"sqlite:///{another}", config=config)
    assert "工单 3 件，留痕 6 条完整" in told and "未核对文件的大小和校验值" in told and "DATABASE_URL" in told
    assert asyncio.run(length_of_chain(sqlite_url(another))) == 6


async def three_tickets(url: str) -> None:
    store = await Store.open(url, KEYRING)
    for number in range(3):
        await taken(store, f"S{number}")
    await store.close()


async def length_of_chain(url: str) -> int:
    store = await Store.open(url, KEYRING)
    try:
        return (await store.verify_chain()).checked
    finally:
        await store.close()


async def test_only_the_configured_folder_is_kept_short(config: Path, tree: CategoryTree, tmp_path: Path) -> None:
    deployment, now = load_deployment(config, tree), datetime.now(UTC)
    first, gone = await make_backup(deployment, None, now)
    assert gone == []
    for seconds in (1, 2):
        assert (await make_backup(deployment, tmp_path / "usb", now + timedelta(seconds=seconds)))[1] == []
    assert len(list((tmp_path / "usb").glob("*.db.gz"))) == 2
    second, gone = await make_backup(deployment, None, now + timedelta(seconds=3))
    assert ([one.name for one in gone], [one.name for one in backups(config)]) == ([first.file], [second.file])


async def test_of_two_processes_one_makes_the_backup_of_the_day(config: Path, sqlite_database_url: str) -> None:
    processes = [await TimerProcess.start("backing_up_process.py", str(config)) for _ in range(2)]
    now = datetime.now(UTC)
    for _ in range(2):
        for one in processes:
            one.begin(now)
        assert [await one.answer() for one in processes] == ["done", "done"]
    assert [await one.end() for one in processes] == [0, 0]
    (file,) = backups(config)
    store = await Store.open(sqlite_database_url, KEYRING)
    last = await last_backup(store)
    await store.close()
    assert last is not None and (last.file, last.bytes) == (file.name, file.stat().st_size)


async def test_a_backup_that_failed_is_tried_again_the_next_hour(
    config: Path, sqlite_database_url: str, tree: CategoryTree
) -> None:
    deployment, now = load_deployment(config, tree), town.at("2026-11-25 10:20")
    store = await Store.open(sqlite_database_url, KEYRING)
    try:
        in_the_way = config.parent / "kept"
        in_the_way.touch()
        with pytest.raises(BackupFailed, match="没有备份：不能读写"):
            await back_up_due(deployment, store, now)
        assert not await back_up_due(deployment, store, now + timedelta(minutes=39))
        in_the_way.unlink()
        assert await back_up_due(deployment, store, now + timedelta(minutes=40))
        assert len(backups(config)) == 1
        by_hand = replace(deployment, settings=deployment.settings.model_copy(update={"backup": BackupSettings()}))
        assert not await back_up_due(by_hand, store, now + timedelta(days=9))
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, "2026-11-25 01:29", False),
        (None, "2026-11-25 01:30", True),
        ("2026-11-24 23:00", "2026-11-25 01:30", True),
        ("2026-11-25 01:29", "2026-11-25 23:59", True),
        ("2026-11-25 01:30", "2026-11-25 23:59", False),
        ("2026-11-25 01:31", "2026-11-26 01:29", False),
        ("2026-11-25 01:31", "2026-11-26 01:30", True),
    ],
)
def test_a_backup_is_due_once_from_its_time_on(last: str | None, now: str, due: bool) -> None:
    assert is_due(time(1, 30), town.at(last) if last else None, town.at(now)) is due


@pytest.mark.parametrize(
    ("number", "name"), [(0, "1 KB"), (9170, "9 KB"), (12_900_000, "12.3 MB"), (4_509_715_661, "4.2 GB")]
)
def test_sizes_are_said_as_people_say_them(number: int, name: str) -> None:
    assert size_name(number) == name


async def test_the_page_and_the_metrics_know_how_old_the_last_backup_is(caller: Caller) -> None:
    async def shown(path: str = "/admin") -> str:
        return str((await caller.get(path)).body)

    async def shown_with_a_daily_time() -> str:
        settings = caller.house.settings.model_copy(update={"backup": BackupSettings(at=time(1, 30))})
        house = replace(caller.house, deployment=replace(caller.house.deployment, settings=settings))
        async with TestClient(TestServer(build_app(house, timers=False))) as client:
            answer = await client.get("/admin", headers={"Authorization": f"Bearer {caller.token}"})
            return await answer.text()

    home = await shown()
    assert "数据库还没有备份过；将于每日 01:30 自动备份" in await shown_with_a_daily_time()
    assert "数据库还没有备份过；没有设置每日自动备份" in home and "intake-bot backup" in home
    assert "intake_backup_age_seconds +Inf" in await shown("/metrics")
    data = {"made_at": caller.house.now(), "bytes": 12_900_000, "sha256": "0" * 64, "last_event": 6, "seconds": 3.1}

    async def made(ago: timedelta, name: str) -> None:
        at = caller.house.now() - ago
        await caller.house.store.account_events.add(SYSTEM, Deed.BACKED_UP, name, at, data)

    await made(timedelta(days=2, minutes=1), "intake-20261123-013000.db.gz")
    home = await shown()
    assert "最近一次备份是" in home and "已超过 2 天；没有设置每日自动备份" in home and "tile-yellow" in home
    page = await shown_with_a_daily_time()
    assert "每日 01:30 的自动备份没有成功" in page and "每日 01:30，保留 14 份" in page

    await made(timedelta(hours=1), "intake-20261125-003000.db.gz")
    home = await shown()
    assert "最近一次备份是" not in home and "tile-yellow" not in home
    assert '<strong class="tile-figure">1 小时前</strong>' in home
    assert "12.3 MB，已恢复核对至第 6 条留痕" in home and "intake-20261125-003000.db.gz" in home
    age = next(one for one in (await shown("/metrics")).splitlines() if one.startswith("intake_backup_age_seconds "))
    assert 3600 <= float(age.split()[1]) < 2 * 24 * 3600
    record = await shown("/admin/audit/accounts")
    assert "备份数据库" in record and "12.3 MB，至第 6 条工单留痕，已恢复核对，用时 3.1 秒" in record
