"""`intake-bot person`: what is kept of one person, handed out or erased when they ask.

The phone number is asked for: so it stands in no list of processes and no history of commands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.people import Actor, Role
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from intake_bot.person_data import erase_person, export_person

app = typer.Typer(help="个人信息", no_args_is_help=True)

AT_THE_CONSOLE = Actor("console", Role.ADMINISTRATOR)
SHORTEST = 7


@app.callback()
def about() -> None:
    """个人信息的查询与清除（依本人申请）。"""


@app.command("export")
def export(output: Annotated[Path, typer.Argument(help="写到哪个文件（.json），须是新文件，只有本账号可读")]) -> None:
    """导出一位市民（按其留下的电话）的全部信息。"""
    deployment, _ = deployment_and_tree()
    phone = _asked()

    async def work() -> list[Mapping[str, Any]]:
        async with open_store(deployment) as store:
            return await export_person(store, phone, AT_THE_CONSOLE, datetime.now(UTC))

    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            found = run(work())
            json.dump(found, file, ensure_ascii=False, indent=2)
    except OSError as error:
        fail(f"不能写文件 {output}：{error.strerror}", code=3)
    console.print(f"已导出 {len(found)} 件工单到 {output}。", markup=False)


@app.command("erase")
def erase() -> None:
    """清除一位市民（按其留下的电话）已了结工单中的个人信息，不能恢复；较早的备份里仍有，直到备份到期删除。"""
    deployment, _ = deployment_and_tree()
    phone = _asked()
    if not typer.confirm("清除后不能恢复。继续吗"):
        fail("没有清除", code=1)

    async def work() -> tuple[list[str], list[str]]:
        async with open_store(deployment) as store:
            return await erase_person(store, phone, AT_THE_CONSOLE, datetime.now(UTC))

    erased, refused = run(work())
    console.print(f"已清除 {len(erased)} 件工单中的个人信息。", markup=False)
    for why in refused:
        console.print(why, markup=False)


def _asked() -> str:
    phone: str = typer.prompt("市民的电话号码")
    digits = "".join(filter(str.isdigit, phone))
    if len(digits) < SHORTEST:
        fail(f"电话号码至少 {SHORTEST} 位数字", code=2)
    return digits
