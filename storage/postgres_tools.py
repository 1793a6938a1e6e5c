"""PostgreSQL's own `pg_dump` and `pg_restore`: finding those that fit a server, and running them. Not: what for (`copies`)."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import URL

Tool = Literal["pg_dump", "pg_restore"]

_USUAL_PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")
"""Where Debian and Red Hat put each version beside the others, below the root."""
_LONGEST = 300


class ToolFailed(Exception):
    """The tools are not there, do not fit the server, or gave up; a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class PostgresTools:
    """The tools of one folder."""

    folder: Path

    async def run(self, tool: Tool, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run a tool to its end. Its connection is named by the environment: nobody reads a password off a list of processes.

        Raises ToolFailed with the first line of what it complained about; further lines can hold what people told us.
        """
        process = await asyncio.create_subprocess_exec(
            *(str(self.folder / tool), "--no-password", *arguments),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            env={**os.environ, **environment, "LC_ALL": "C"},
        )
        try:
            _, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if process.returncode:
            first = next(iter(complaint.decode(errors="replace").splitlines()), f"返回码 {process.returncode}")
            if "No space left on device" in first:
                raise ToolFailed("磁盘空间不足，备份没有写完")
            raise ToolFailed(f"{tool} 没有完成：{first[:_LONGEST]}")


async def tools_for(server: int) -> PostgresTools:
    """The tools of the server's own major version, else of the next newer one: older ones refuse a newer server.

    Raises ToolFailed.
    """
    found = [(await _major(folder), folder) for folder in dict.fromkeys(_folders())]
    fitting = sorted((major, position) for position, (major, _) in enumerate(found) if major >= server)
    if fitting:
        return PostgresTools(found[fitting[0][1]][1])
    older = max((major for major, _ in found), default=0)
    had = f"本机的 pg_dump 是 {older} 版，不能备份 {server} 版的数据库" if older else "本机没有 pg_dump 和 pg_restore"
    raise ToolFailed(f"{had}：请安装 PostgreSQL {server} 的客户端工具，例如 apt-get install postgresql-client-{server}")


def environment_of(url: URL) -> dict[str, str]:
    """Where and as whom to connect, as libpq reads it, from the address that the service uses (`postgresql+asyncpg://…`)."""
    _, given = url.get_dialect()().create_connect_args(url)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "database": "PGDATABASE",
        "ssl": "PGSSLMODE",
    }
    return {
        variable: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, variable in names.items()
        if (value := given.get(name))
    }


def _folders() -> Iterator[Path]:
    """Every folder that has both tools."""
    named = [Path(one) for one in os.get_exec_path() if one]
    usual = [folder for pattern in _USUAL_PLACES for folder in sorted(Path("/").glob(pattern))]
    for folder in (*named, *usual):
        if all(os.access(folder / tool, os.X_OK) for tool in ("pg_dump", "pg_restore")):
            yield folder


async def _major(folder: Path) -> int:
    """The major version of a folder's tools; 0 where they do not even say so."""
    process = await asyncio.create_subprocess_exec(
        str(folder / "pg_dump"), "--version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    said, _ = await process.communicate()
    found = re.search(rb"\) (\d+)", said)
    return int(found[1]) if found else 0
