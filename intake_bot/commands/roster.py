"""`intake-bot roster`: leave and duty rosters from a sheet, so that B stands in for A."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from intake_bot.roster_sheets import Sheet, UnreadableSheet, read_absences, sheet_rows

app = typer.Typer(help="值班与离岗", no_args_is_help=True)


@app.callback()
def about() -> None:
    """值班与离岗安排。"""


@app.command("import")
def import_roster(
    file: Annotated[
        Path, typer.Argument(help="离岗安排表（.xlsx 或 .csv），表头：账号或姓名、离岗开始、离岗结束、事由")
    ],
) -> None:
    """导入离岗安排；已导入过的行不会重复。"""
    deployment, _ = deployment_and_tree()
    people = [person for unit in deployment.settings.router.units for person in unit.people]
    try:
        absences = read_absences(read_sheet(file), {one.account: one.name for one in people})
    except UnreadableSheet as error:
        fail("没有导入：\n" + "\n".join(error.problems))

    async def work() -> int:
        async with open_store(deployment) as store:
            return await store.absences.add(absences, datetime.now(UTC))

    added = run(work())
    console.print(f"共 {len(absences)} 行，新导入 {added} 行，其余此前已导入", markup=False)


def read_sheet(file: Path) -> Sheet:
    """The rows of the first sheet of an .xlsx, or of a .csv in UTF-8 or GB18030. Raises UnreadableSheet."""
    try:
        content = file.read_bytes()
    except OSError:
        raise UnreadableSheet([f"文件 {file.name} 打不开，请确认它存在且为 .xlsx 或 .csv"]) from None
    return sheet_rows(content)
