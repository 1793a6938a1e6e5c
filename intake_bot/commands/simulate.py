"""`intake-bot simulate`: play the upstream platforms against a running service, and keep account of every answer."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from typing import Annotated

import aiohttp
import typer
from rich.table import Table

from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.settings import Deployment
from intake_bot.simulated_platforms import BODIES, matters, signed
from nlu.corpus import load_corpus

MOST_AT_ONCE = 64
LONGEST_SECONDS = 3_600


def simulate(
    url: Annotated[str, typer.Option(help="服务地址；默认本机")] = "",
    rate: Annotated[float, typer.Option(help="每秒件数", min=0.1, max=2000)] = 2.0,
    seconds: Annotated[float, typer.Option(help="持续秒数", min=0.1, max=LONGEST_SECONDS)] = 10.0,
    repeats: Annotated[float, typer.Option(help="重复发送的比例", min=0, max=1)] = 0.1,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
) -> None:
    """扮演上级平台，按各渠道的格式和签名发送诉求，核对每一件的回答。"""
    deployment, _ = deployment_and_tree()
    ready = {code: secret for code, secret in deployment.secrets.items() if secret}
    if not ready:
        names = "、".join(one.secret_env for one in deployment.settings.channels.values())
        fail(f"请先设置渠道密钥的环境变量（与服务端相同）：{names}", code=2)
    address = url.rstrip("/") or f"http://{deployment.host}:{deployment.port}"
    run(_simulate(deployment, ready, address, rate, seconds, repeats, random.Random(seed)))  # noqa: S311


class _Account:
    """What was sent and what came back."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {}
        self.seconds: list[float] = []
        self.numbers: dict[tuple[str, str], str] = {}
        self.contradictions = 0

    def enter(self, channel: str, key: str, outcome: str, ticket_no: str) -> None:
        self.outcomes.setdefault(channel, Counter())[outcome] += 1
        if ticket_no:
            known = self.numbers.setdefault((channel, key), ticket_no)
            self.contradictions += known != ticket_no


async def _simulate(
    deployment: Deployment,
    secrets: dict[str, str],
    address: str,
    rate: float,
    seconds: float,
    repeats: float,
    choice: random.Random,
) -> None:
    following = matters([one.text for one in load_corpus()], choice, start=int(time.time()) % 10_000_000)
    account, gate = _Account(), asyncio.Semaphore(MOST_AT_ONCE)
    sent: list[tuple[str, object]] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session, asyncio.TaskGroup() as group:
        started = time.monotonic()
        for number in range(max(1, int(rate * seconds))):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            if sent and choice.random() < repeats:
                code, body = choice.choice(sent)
            else:
                code = choice.choice(sorted(secrets))
                body = BODIES[deployment.settings.channels[code].adapter](following(), choice)
                sent.append((code, body))
            await gate.acquire()
            target = address + deployment.settings.channels[code].path
            group.create_task(_send(session, target, code, secrets[code], body, account, gate))
    _print(account)
    if account.contradictions:
        fail(f"有 {account.contradictions} 件重复来件得到了不同的工单编号")


async def _send(
    session: aiohttp.ClientSession,
    target: str,
    code: str,
    secret: str,
    body: object,
    account: _Account,
    gate: asyncio.Semaphore,
) -> None:
    content, headers = signed(secret, body)
    started = time.perf_counter()
    outcome, ticket_no = "no answer", ""
    try:
        async with session.post(target, data=content, headers=headers) as answer:
            told = await answer.json(content_type=None)
            ticket_no = told.get("ticket_no", "")
            outcome = f"{answer.status} {'duplicate' if told.get('duplicate') else told.get('status', '')}"
    except (aiohttp.ClientError, TimeoutError, ValueError):
        outcome = "no answer"
    finally:
        account.seconds.append(time.perf_counter() - started)
        account.enter(code, str(body), outcome, ticket_no)
        gate.release()


def _print(account: _Account) -> None:
    table = Table(title="各渠道的回答")
    for heading in ("渠道", "回答", "件数"):
        table.add_column(heading)
    for code, outcomes in sorted(account.outcomes.items()):
        for outcome, count in sorted(outcomes.items()):
            table.add_row(code, outcome, str(count))
    console.print(table)
    times = sorted(account.seconds)
    middle, late = statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.95))]
    console.print(
        f"共 {len(times)} 次，回答用时中位数 {middle * 1000:.1f} 毫秒，95% 在 {late * 1000:.1f} 毫秒以内", markup=False
    )
