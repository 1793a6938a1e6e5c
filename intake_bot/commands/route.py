"""`intake-bot route --dry-run`: what today's rules would do to past tickets. It changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from domain.ticket import Ticket
from domain.worktime import midnight
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from router.rerun import Difference, rerun
from router.route import Router
from storage.tickets import TicketFilter

BATCH = 200
MOST_SHOWN = 200


def route(
    since: Annotated[str, typer.Option(help="从哪一天起受理的工单，如 2026-11-01")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只比较，不改动任何工单")] = False,
) -> None:
    """用现在的派单规则重新推演过去的工单，列出去向会有变化的。"""
    if not dry_run:
        fail("本命令只用于推演，请加上 --dry-run；要改派某一件工单，请在系统中转办", code=2)
    try:
        day = date.fromisoformat(since)
    except ValueError:
        fail(f"日期“{since}”无法识别，应写成 2026-11-01", code=2)
    deployment, tree = deployment_and_tree()
    settings = deployment.settings
    router = Router(settings.router, deployment.boundaries, tree, settings.calendar.work_calendar())

    async def work() -> tuple[int, list[tuple[Ticket, tuple[Difference, ...]]]]:
        changed: list[tuple[Ticket, tuple[Difference, ...]]] = []
        async with open_store(deployment) as store:
            numbers = await store.tickets.numbers(TicketFilter(created_from=midnight(day)))
            for first in range(0, len(numbers), BATCH):
                for ticket in await store.tickets.several(numbers[first : first + BATCH]):
                    differences = rerun(router, ticket)
                    if differences:
                        changed.append((ticket, differences))
        return len(numbers), changed

    total, changed = run(work())
    _print(total, changed)


def _print(total: int, changed: list[tuple[Ticket, tuple[Difference, ...]]]) -> None:
    if changed:
        table = Table(title="去向会有变化的工单")
        for heading in ("工单", "事项", "变化"):
            table.add_column(heading)
        for ticket, differences in changed[:MOST_SHOWN]:
            table.add_row(ticket.no, ticket.category_name, "；".join(str(one) for one in differences))
        console.print(table)
        if len(changed) > MOST_SHOWN:
            console.print(f"……其余 {len(changed) - MOST_SHOWN} 件从略", markup=False)
    console.print(f"推演 {total} 件，去向有变化 {len(changed)} 件，未改动任何工单。", markup=False)
