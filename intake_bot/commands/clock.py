"""`intake-bot clock FROM LIMIT`: when a limit ends, and why, day by day."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from domain.deadline import deadline
from domain.limit import Limit
from domain.worktime import LOCAL, local
from intake_bot.commands.console import console, deployment_and_tree, fail


def clock(
    start: Annotated[str, typer.Argument(metavar="FROM", help="起算时间，如 2026-09-30T09:00；不写时区按北京时间")],
    limit: Annotated[str, typer.Argument(metavar="LIMIT", help="时限，如 '3 working_days'")],
) -> None:
    """计算一个时限何时到期：第一行为到期时间，其后逐日说明理由。"""
    deployment, _ = deployment_and_tree()
    try:
        begin = datetime.fromisoformat(start)
    except ValueError:
        fail(f"起算时间“{start}”无法识别，应写成 2026-09-30T09:00", code=2)
    try:
        found = deadline(begin, Limit.parse(limit), deployment.settings.calendar.work_calendar())
    except (ValueError, OverflowError) as error:
        fail(str(error), code=2)
    console.print(found.due_at.astimezone(LOCAL).isoformat(timespec="seconds"), markup=False)
    for reason in found.reasons:
        console.print(reason, markup=False)
    console.print(f"黄灯：{local(found.yellow_at):%Y-%m-%d %H:%M} 起", markup=False)
