"""`intake-bot simulate` against a running service: every channel's own format and signature, and repeats."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from command_line import run_here
from sealing_keys import KEYRING
from service import ROOT, SECRETS, serving

from storage.store import Store
from storage.tickets import TicketFilter


async def test_simulated_platforms_are_answered(sqlite_database_url: str, tmp_path: Path) -> None:
    async with serving(sqlite_database_url, tmp_path / "service.log") as (_, address):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "intake_bot", "simulate", "--url", address, "--rate", "40", "--seconds", "2"),
            *("--repeats", "0.3", "--seed", "5"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **SECRETS, "COLUMNS": "160"},
            cwd=ROOT,
        )
        told, _ = await asyncio.wait_for(process.communicate(), 240)
    text = told.decode()
    assert process.returncode == 0, text
    assert all(code in text for code in ("12345", "12319", "12369", "e-steward"))
    assert "200 duplicate" in text and "201 dispatched" in text
    assert "共 80 次" in text and "no answer" not in text
    store = await Store.open(sqlite_database_url, KEYRING)
    try:
        assert 0 < len(await store.tickets.numbers(TicketFilter())) < 80
        assert (await store.verify_chain()).intact
    finally:
        await store.close()


SCENARIO = """
seconds: 2
rate: 10
settle_seconds: 0.1
platforms:
  "12319": {weight: 0}
  "12345": {repeats: 0.2, again: 0.3, down: [{from: 0.2, to: 0.6, how: refuse}]}
others: {urges: 0.5, recalls: 0.3, asks: 0.5, late: 0.5, silent: 0.2}
"""


async def test_a_scenario_is_played_with_platforms_that_listen(
    sqlite_database_url: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    file = tmp_path / "scenario.yml"
    file.write_text(SCENARIO, encoding="utf-8")
    async with serving(sqlite_database_url, tmp_path / "service.log") as (_, address):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "intake_bot", "simulate", "--url", address, "--scenario", str(file)),
            *("--port", str(min(unused_tcp_port, 65_000)), "--first-number", "1"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **SECRETS, "COLUMNS": "160"},
            cwd=ROOT,
        )
        told, _ = await asyncio.wait_for(process.communicate(), 240)
    text = told.decode()
    assert process.returncode == 0, text
    assert "12345 回传地址 http://127.0.0.1:" in text and "各平台的台账" in text
    assert "urged applied" in text and "recalled applied" in text and "progress_asked applied" in text
    assert "no answer" not in text


def test_a_scenario_with_a_mistake_says_which(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yml"
    file.write_text("rate: fast", encoding="utf-8")
    assert "rate 应为数字" in run_here("simulate", "--scenario", str(file), code=2, **SECRETS)


def test_without_secrets_it_says_which_are_missing() -> None:
    told = run_here("simulate", code=2, **dict.fromkeys(SECRETS, ""))
    assert all(name in told for name in SECRETS)
