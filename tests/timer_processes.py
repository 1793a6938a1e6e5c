"""Processes that do a timer's work at the moments they are told, so that several can do it at once and one can be killed.

A worker's script calls `at_each_moment`; a test starts it with `TimerProcess.start` and tells it the moments.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Self

TESTS = Path(__file__).parent


async def at_each_moment(work: Callable[[datetime], Awaitable[object]]) -> None:
    """Read moments (ISO 8601) from the input, one a line; work with each as now, and answer `done`. It says `ready` first."""
    print("ready", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        await work(datetime.fromisoformat(line))
        print("done", flush=True)


class TimerProcess:
    """A process that works when it is told to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, script: str, *arguments: str) -> Self:
        """Start a script of this folder; returns when it is ready."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(TESTS / script), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        )
        started = cls(process)
        assert await started.answer() == "ready"
        return started

    async def answer(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    def begin(self, now: datetime) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{now.isoformat()}\n".encode())

    async def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.process.wait()
