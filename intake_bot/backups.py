"""Backups as the house makes them: into the configured folder, by the timer once a day among all processes, and how old the
last one is. Not: what a backup is (`storage.backup`)."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

from domain.administration import Deed
from domain.worktime import local
from intake_bot.api.openapi import VERSION
from intake_bot.house import the_keyring
from intake_bot.settings import Deployment
from storage.account_events import AccountEventFilter
from storage.backup import Backup, back_up, prune
from storage.store import Store

JOB = "backup"


class BackupFailed(Exception):
    """The timer's backup was not made; the message is the command's own."""


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The newest backup on record: it was restored and checked before it was recorded. `last_event`: as far as it reaches."""

    file: str
    at: datetime
    bytes: int
    last_event: int
    seconds: float


def size_name(number: int) -> str:
    """A number of bytes as people say it: `23 KB`, `12.3 MB`, `4.2 GB`."""
    if number < 1024**2:
        return f"{max(1, round(number / 1024))} KB"
    return f"{number / 1024**2:.1f} MB" if number < 1024**3 else f"{number / 1024**3:.1f} GB"


async def last_backup(store: Store) -> LastBackup | None:
    """None where none was ever made."""
    found, _ = await store.account_events.find(AccountEventFilter(deed=Deed.BACKED_UP), limit=1)
    if not found:
        return None
    data = found[0].data
    return LastBackup(found[0].subject, found[0].at, data["bytes"], data["last_event"], data["seconds"])


async def make_backup(deployment: Deployment, folder: Path | None, now: datetime) -> tuple[Backup, list[Path]]:
    """A backup in the configured folder, and the older ones that had to make room; in another folder, nothing makes room.

    Raises BackupRefused and CannotStart.
    """
    settings = deployment.settings.backup
    target = folder or deployment.path(settings.folder)
    made = await back_up(deployment.database_url, the_keyring(deployment), target, now, VERSION)
    return made, [] if folder else prune(deployment.path(settings.folder), settings.keep)


def is_due(at: time, last: datetime | None, now: datetime) -> bool:
    """Whether today's time has come and nobody has backed up since."""
    here = local(now)
    today = here.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return here >= today and (last is None or last < today)


async def back_up_due(deployment: Deployment, store: Store, now: datetime) -> bool:
    """The timer's part: true for the process that made today's backup. One that failed is tried again each hour.

    Raises BackupFailed.
    """
    at = deployment.settings.backup.at
    if at is None:
        return False
    last = await last_backup(store)
    if not is_due(at, last.at if last else None, now):
        return False
    if not await store.jobs.claim(JOB, f"{local(now):%Y-%m-%dT%H}", now):
        return False
    await _in_a_process_of_its_own(deployment)
    return True


async def _in_a_process_of_its_own(deployment: Deployment) -> None:
    """Packing and checking a whole database takes minutes of a processor, which nobody who waits for an answer should feel."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "intake_bot", "backup"),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        env={**os.environ, "CONFIG": str(deployment.file), "DATABASE_URL": deployment.database_url},
    )
    try:
        _, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        said = complaint.decode(errors="replace").strip().splitlines()
        raise BackupFailed(said[-1] if said else f"返回码 {process.returncode}")
