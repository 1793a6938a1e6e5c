"""Backups: one file of the whole database and a small JSON beside it, checked by restoring it before anybody is told of it.

The only place that knows what a backup is. How a database is copied is `copies`; when, and where to, is said by the caller.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import gzip
import hashlib
import os
import re
import shutil
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from alembic.util import CommandError
from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from domain.administration import Deed
from domain.people import SYSTEM
from domain.worktime import local
from storage.account_events import AccountEvents
from storage.chain import verify_chain
from storage.copies import Copies, NotEmpty, Rows, copies_of, counted, new_file, synced
from storage.database import open_engine
from storage.keyring import Keyring
from storage.keys import Keys, WrongKeyring
from storage.migrate import current_revision, newest_revision, upgrade
from storage.postgres_tools import ToolFailed

NAME = re.compile(r"intake-\d{8}-\d{6}\.(db\.gz|dump)")
_KIND_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_LONGEST_NAME = 96
_REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "没有这个文件或文件夹",
    FileExistsError: "已有同名的文件",
    NotADirectoryError: "不是文件夹",
    PermissionError: "没有权限，请用运行服务的账号",
}
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class BackupRefused(Exception):
    """No backup was made, or nothing was restored; a Chinese sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What the JSON beside a backup says. `rows`: of each table, in the moment that it shows; `revision`: of its tables.

    `seconds`: what making and checking took. `version`: of the service that made it.
    """

    file: str
    made_at: datetime
    database: str
    bytes: int
    sha256: str
    rows: Rows
    last_event: int
    revision: str
    version: str
    seconds: float

    @property
    def tickets(self) -> int:
        return self.rows.get("tickets", 0)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a restored database turned out to hold. `checked`: events whose chain is intact, the last one's number as well."""

    revision: str
    rows: Rows
    checked: int


async def back_up(url: str, keyring: Keyring, folder: Path, now: datetime, version: str) -> Backup:
    """Back up a database that others may be using into a new file of `folder`, check it, and record it.

    A database of an older shape is backed up as it is, and recorded only where its shape has a place for the record.
    Raises BackupRefused; nothing is left in the folder then.
    """
    with _said(folder):
        copies = copies_of(url)
        with _alone_in(folder):
            made = await _made(copies, keyring, folder, now, version)
        await _recorded(url, Deed.BACKED_UP, made, now)
        return made


async def restore(url: str, keyring: Keyring, file: Path, now: datetime) -> tuple[Contents, Backup | None]:
    """Restore a backup into a database that holds no ticket, bring it to today's shape, check and record it.

    Gives what it holds now, and what the JSON beside the file said: without one, size and SHA-256 are not compared.
    Raises BackupRefused; the database is as empty as before then.
    """
    with _said(file):
        copies = copies_of(url)
        known = await asyncio.to_thread(_described, file)
        if not file.name.endswith(copies.suffix):
            raise BackupRefused(
                f"{file.name} 不能恢复到 {_KIND_NAMES[copies.kind]} 数据库：*.db.gz 是 SQLite 的备份，*.dump 是 PostgreSQL 的"
            )
        if known is not None and (known.bytes, known.sha256) != await asyncio.to_thread(_measured, file):
            raise BackupRefused(
                f"{file.name} 与 {description_of(file).name} 中的大小或校验值不符，文件已损坏，请换一份备份"
            )
        found = await copies.fill(file, lambda address: _checked(address, keyring, known.rows if known else None))
        await _recorded(url, Deed.RESTORED, known or file.name[:_LONGEST_NAME], now)
        return found, known


def description_of(file: Path) -> Path:
    """The JSON beside a backup."""
    return file.with_name(f"{file.name}.json")


def kept(folder: Path) -> list[Path]:
    """The backups of a folder, oldest first."""
    return sorted((one for one in folder.iterdir() if NAME.fullmatch(one.name)), key=lambda one: one.name)


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest backups of a folder; those that went. Files of other names stay."""
    with _said(folder):
        old = kept(folder)[:-keep]
        for one in old:
            one.unlink()
            description_of(one).unlink(missing_ok=True)
        return old


async def _made(copies: Copies, keyring: Keyring, folder: Path, now: datetime, version: str) -> Backup:
    began = time.monotonic()
    file = folder / f"intake-{local(now):%Y%m%d-%H%M%S}.{copies.suffix}"
    if file.exists():
        raise BackupRefused(f"{file.name} 已经存在，请过一秒再试")
    needed, free = await copies.needed(), shutil.disk_usage(folder).free
    if free < needed:
        raise BackupRefused(f"{folder} 的磁盘空间不足：需要 {_size(needed)}，只剩 {_size(free)}")
    partial, description = (folder / f".{one}.partial" for one in (file.name, description_of(file).name))
    try:
        rows = await copies.dump(new_file(partial))
        found = await copies.tried(partial, lambda address: _checked(address, keyring, rows))
        size, digest = await asyncio.to_thread(_measured, partial)
        seconds = round(time.monotonic() - began, 1)
        made = Backup(
            *(file.name, now, copies.kind, size, digest),
            *(rows, found.checked, found.revision, version, seconds),
        )
        new_file(description).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
        for one in (partial, description):
            synced(one)
        description.rename(description_of(file))  # first: a backup never stands there without it
        partial.rename(file)
        synced(folder)
    finally:
        partial.unlink(missing_ok=True)
        description.unlink(missing_ok=True)
    return made


async def _checked(url: str, keyring: Keyring, expected: Mapping[str, int] | None) -> Contents:
    """What a restored database holds, brought to today's shape. Raises BackupRefused where anything is missing or altered, and
    where the keyring does not open it."""
    engine = open_engine(url, keyring)
    try:
        revision = await current_revision(engine)
        async with engine.connect() as connection:
            rows = await counted(connection)
        if revision is None or "events" not in rows:
            raise BackupRefused("文件中没有本系统的数据")
        for name, number in (expected or {}).items():
            if rows.get(name) != number:
                raise BackupRefused(f"恢复校验不符：{name} 应有 {number} 行，恢复后为 {rows.get(name, 0)} 行")
        try:
            await upgrade(url)
        except CommandError as error:
            raise BackupRefused(f"备份来自更新的版本（结构版本 {revision}），请先升级程序") from error
        try:
            await Keys(engine).check()
        except WrongKeyring as error:
            raise BackupRefused(f"备份里的内容打不开：{error}") from error
        events, deeds = await verify_chain(engine), await AccountEvents(engine).verify()
        for name, chain in (("工单留痕", events), ("管理留痕", deeds)):
            if not chain.intact:
                raise BackupRefused(f"恢复校验不符：{name}第 {chain.broken_at} 条有误（{chain.reason}），请先查明原因")
    finally:
        await engine.dispose()
    return Contents(revision, rows, events.checked)


async def _recorded(url: str, deed: Deed, made: Backup | str, now: datetime) -> None:
    """Into the record of administration, for ever. `made`: a backup, or the name of one that nothing is known of."""
    engine = open_engine(url)
    try:
        if await current_revision(engine) != newest_revision():
            return
        name, data = (made, {}) if isinstance(made, str) else (made.file, _entry(made))
        await AccountEvents(engine).add(SYSTEM, deed, name, now, data)
    finally:
        await engine.dispose()


def _entry(made: Backup) -> dict[str, object]:
    return {
        "made_at": made.made_at,
        "bytes": made.bytes,
        "sha256": made.sha256,
        "last_event": made.last_event,
        "seconds": made.seconds,
    }


def _described(file: Path) -> Backup | None:
    """What the JSON beside a backup says; None where there is none."""
    if not file.is_file():
        raise BackupRefused(f"找不到备份文件 {file}")
    try:
        return msgspec.json.decode(description_of(file).read_bytes(), type=Backup)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise BackupRefused(f"{description_of(file).name} 不是备份的说明文件（{error}），请核对或移走它") from error


def _measured(file: Path) -> tuple[int, str]:
    """(bytes, SHA-256) of a file."""
    with file.open("rb") as opened:
        return file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make the folder where there is none, wait for nobody, and clear away what a killed process left half done."""
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRefused(f"另一个备份正在写入 {folder}，请等它完成") from error
        for left_behind in folder.glob(".intake-*.partial*"):
            left_behind.unlink()
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What goes wrong with files and databases, as a sentence."""
    try:
        yield
    except (ToolFailed, ValueError) as error:
        raise BackupRefused(str(error)) from error
    except NotEmpty as error:
        raise BackupRefused(f"{error}。只能恢复到空库，可用 --into 指明另一个") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupRefused(_damaged(path)) from error
    except OSError as error:
        raise BackupRefused(_of_system(path, error)) from error
    except sqlite3.Error as error:
        raise BackupRefused(_of_sqlite(path, error)) from error
    except (SQLAlchemyError, PostgresError) as error:
        raise BackupRefused(f"数据库出错（{type(error).__name__}），请检查 DATABASE_URL 和数据库是否在运行") from error


def _damaged(path: Path) -> str:
    return f"{path.name} 已损坏，不能恢复，请换一份备份"


def _of_system(path: Path, error: OSError) -> str:
    if error.errno in _NO_ROOM:
        return f"{path} 的磁盘空间不足，没有写完"
    if error.filename is None and not isinstance(error, BlockingIOError):
        return f"读写失败（{error.strerror or error}），请检查磁盘和数据库是否可用"
    return f"不能读写 {error.filename or path}：{_REASONS.get(type(error), error.strerror)}"


def _of_sqlite(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return f"{path} 的磁盘空间不足，没有写完"
    if code is None or code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _damaged(path)
    return f"数据库文件出错（{error}），请检查磁盘空间和权限"


def _size(number: int) -> str:
    return f"{number / 1024 / 1024:.0f} MB"
