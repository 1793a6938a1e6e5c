"""`intake-bot db`: bring the database to today's shape, and check the chains of events."""

from __future__ import annotations

import typer

from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from storage.chain import ChainReport
from storage.migrate import upgrade as migrate

app = typer.Typer(help="数据库", no_args_is_help=True)


@app.command("upgrade")
def upgrade() -> None:
    """把数据库升级到当前版本的结构（serve 启动时会自动进行）。"""
    deployment, _ = deployment_and_tree()
    run(migrate(deployment.database_url))
    console.print("数据库结构已是最新。", markup=False)


@app.command("verify")
def verify() -> None:
    """校验工单和管理的全部留痕：任何改动、缺失、次序颠倒都会指出是哪一条。"""
    deployment, _ = deployment_and_tree()

    async def work() -> tuple[ChainReport, ChainReport]:
        async with open_store(deployment) as store:
            return await store.verify_chain(), await store.account_events.verify()

    tickets, accounts = run(work())
    broken = [
        f"第 {found.broken_at} 条{name}留痕有误：{found.reason}（此前 {found.checked} 条完好）"
        for name, found in (("工单", tickets), ("管理", accounts))
        if not found.intact
    ]
    if broken:
        fail("\n".join(broken))
    console.print(f"全部 {tickets.checked} 条工单留痕、{accounts.checked} 条管理留痕完好。", markup=False)
