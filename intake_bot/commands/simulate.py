"""`intake-bot simulate`: play the upstream platforms against a running service, and keep account of every answer."""

from __future__ import annotations

import random
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.settings import Deployment
from intake_bot.simulation.peer import Peer
from intake_bot.simulation.play import Account, Play
from intake_bot.simulation.scenario import (
    BadScenario,
    PlatformScenario,
    Scenario,
    Step,
    plan,
    read_scenario,
)
from nlu.corpus import load_corpus

LONGEST_SECONDS = 3_600


def simulate(
    url: Annotated[str, typer.Option(help="服务地址；默认本机")] = "",
    rate: Annotated[float, typer.Option(help="每秒件数", min=0.1, max=2000)] = 2.0,
    seconds: Annotated[float, typer.Option(help="持续秒数", min=0.1, max=LONGEST_SECONDS)] = 10.0,
    repeats: Annotated[float, typer.Option(help="重复发送的比例", min=0, max=1)] = 0.1,
    seed: Annotated[int, typer.Option(help="随机种子")] = 1,
    scenario: Annotated[
        Path | None,
        typer.Option(help="场景文件（YAML），代替 --rate、--seconds、--repeats；见 docs/simulation.zh-CN.md"),
    ] = None,
    first_number: Annotated[int, typer.Option(help="第一件的序号；0 为按当前时间", min=0, max=9_999_999)] = 0,
    port: Annotated[
        int, typer.Option(help="接收回传的第一个端口，每个渠道一个，依次加一；0 为不接收回传", min=0, max=65_000)
    ] = 0,
) -> None:
    """扮演上级平台：按各渠道的格式和签名发送诉求和后续消息，接收并核对回传，记台账。"""
    deployment, _ = deployment_and_tree()
    ready = {code: secret for code, secret in deployment.secrets.items() if secret}
    if not ready:
        names = "、".join(one.secret_env for one in deployment.settings.channels.values())
        fail(f"请先设置渠道密钥的环境变量（与服务端相同）：{names}", code=2)
    address = url.rstrip("/") or f"http://{deployment.host}:{deployment.port}"
    adapters = {code: deployment.settings.channels[code].adapter for code in ready}
    try:
        played = (
            read_scenario(scenario, list(adapters))
            if scenario is not None
            else Scenario(seconds=seconds, rate=rate, others=PlatformScenario(repeats=repeats))
        )
        choice = random.Random(seed)  # noqa: S311  (no secret depends on it)
        first = first_number or int(time.time()) % 10_000_000
        steps = plan(played, adapters, [one.text for one in load_corpus()], choice, first)
    except BadScenario as error:
        fail(str(error), code=2)
    run(_simulate(deployment, ready, address, played, steps, seed, port))


async def _simulate(
    deployment: Deployment,
    secrets: dict[str, str],
    address: str,
    scenario: Scenario,
    steps: list[Step],
    seed: int,
    port: int,
) -> None:
    channels = deployment.settings.channels
    play = Play(address, {code: channels[code].path for code in secrets}, secrets, scenario)
    async with AsyncExitStack() as stack:
        for index, (code, secret) in enumerate(sorted(secrets.items())):
            peer = Peer(code, channels[code].adapter, secret, scenario.of(code), seed, play.react)
            play.peers[code] = peer
            if port:
                await peer.start(port + index)
                stack.push_async_callback(peer.stop)
                where = f"http://127.0.0.1:{peer.port}"
                console.print(f"{code} 回传地址 {where}/feedback 台账 {where}/ledger", markup=False)
        account = await play.perform(steps)
    _print(account)
    if port:
        _print_ledgers(play.peers)
    if account.contradictions:
        fail(f"有 {account.contradictions} 件重复来件得到了不同的工单编号")


def _print(account: Account) -> None:
    table = Table(title="各渠道的回答")
    for heading in ("渠道", "回答", "件数"):
        table.add_column(heading)
    for code, outcomes in sorted(account.outcomes.items()):
        for outcome, count in sorted(outcomes.items()):
            table.add_row(code, outcome, str(count))
    console.print(table)
    if account.messages:
        told = "，".join(f"{what} {count}" for what, count in sorted(account.messages.items()))
        console.print(f"后续消息：{told}", markup=False)
    times = sorted(account.seconds)
    if not times:
        return
    middle, late = statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.95))]
    console.print(
        f"共 {len(times)} 次，回答用时中位数 {middle * 1000:.1f} 毫秒，95% 在 {late * 1000:.1f} 毫秒以内", markup=False
    )


def _print_ledgers(peers: dict[str, Peer]) -> None:
    table = Table(title="各平台的台账")
    for heading in ("渠道", "工单", "收到回传", "重复回传", "未接收", "停机时", "签名不符", "编号不明"):
        table.add_column(heading)
    for code, peer in sorted(peers.items()):
        entries = peer.ledger.values()
        counts = (
            len(entries),
            sum(len(one.reports) for one in entries),
            peer.repeats,
            sum(len(one.refused) for one in entries),
            peer.turned_away,
            peer.unsigned,
            peer.unknown,
        )
        table.add_row(code, *(str(one) for one in counts))
    console.print(table)
    reasons = {reason for peer in peers.values() for one in peer.ledger.values() for reason in one.refused}
    for reason in sorted(reasons):
        console.print(f"未接收的原因：{reason}", markup=False)
