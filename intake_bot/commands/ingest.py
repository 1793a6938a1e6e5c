"""`intake-bot ingest FILE --channel C`: a table that a platform exported, through the same path as its messages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.problems import Unreadable
from adapters.refusals import write_refusals
from adapters.sheets import Sheet, open_sheet
from domain.category import CategoryTree
from intake_bot.commands.console import console, deployment_and_tree, errors, fail, run
from intake_bot.engines import build_engine
from intake_bot.house import open_house
from intake_bot.ingest import Tally
from intake_bot.ingest import ingest as ingest_sheet
from intake_bot.settings import Deployment


def ingest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="要导入的 .xlsx、.xls 或 .csv 文件")],
    channel: Annotated[str, typer.Option(help="所属渠道，如 12345")],
    sheet: Annotated[str, typer.Option(help="表格代码（config.yml 的 sheets）；不写则按表头自动识别")] = "",
    refusals: Annotated[Path | None, typer.Option(help="退回清单的文件名；默认在原文件旁，名称加“退回”")] = None,
) -> None:
    """把平台导出的表格逐行受理；有问题的行写入退回清单，改好后可再次导入。"""
    deployment, tree = deployment_and_tree()
    settings = deployment.settings
    if channel not in settings.channels:
        fail(f"没有渠道“{channel}”，可用：{'、'.join(settings.channels)}", code=2)
    candidates = [one for one in settings.sheets if one.channel == channel and sheet in ("", one.code)]
    if not candidates:
        known = "、".join(f"{one.code}（{one.name}）" for one in settings.sheets if one.channel == channel) or "没有"
        fail(
            f"渠道 {channel} 没有表格“{sheet}”，可用：{known}" if sheet else f"渠道 {channel} 没有配置表格对照", code=2
        )
    try:
        opened = open_sheet(file, candidates, datetime.now(UTC))
    except Unreadable as error:
        fail(str(error), code=2)
    console.print(f"表格：{opened.settings.name}，工作表“{opened.name}”，约 {opened.total} 行", markup=False)
    for other in opened.others:
        console.print(f"提醒：工作表“{other}”也符合，没有导入；需要时请另存为单独的文件。", markup=False)
    tally = run(_ingest(deployment, tree, opened))
    console.print(
        f"完成：受理 {tally.accepted} 件，重复 {tally.duplicates} 件，退回 {len(tally.refused)} 件（共 {tally.rows} 行）。",
        markup=False,
    )
    if tally.refused:
        target = refusals or file.with_name(f"{file.stem}-退回.csv")
        try:
            write_refusals(target, opened, tally.refused)
        except (OSError, ValueError) as error:
            fail(f"不能写退回清单 {target}：{error}", code=3)
        console.print(f"退回的行和原因见 {target}，改好后可直接再次导入。", markup=False)


async def _ingest(deployment: Deployment, tree: CategoryTree, sheet: Sheet) -> Tally:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_house(deployment, tree, build_engine(deployment, tree)) as house:
        with Progress(*columns, console=errors, transient=not errors.is_terminal) as progress:
            bar = progress.add_task("导入", total=sheet.total)
            return await ingest_sheet(house, sheet, lambda done: progress.advance(bar, done))
