"""`intake-bot backup` and `restore`: the database as one checked file, while the service goes on; and back again."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from intake_bot.backups import make_backup, size_name
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import CannotStart, the_keyring
from intake_bot.settings import database_url
from storage.backup import BackupRefused, description_of
from storage.backup import restore as restore_backup

GENTLY = 10
"""How far a backup steps back behind the service that goes on beside it."""


def backup(
    folder: Annotated[Path | None, typer.Argument(help="存到哪个文件夹；默认为配置中的 backup.folder")] = None,
) -> None:
    """备份数据库：服务照常运行，备份随即恢复到临时库核对，无误才留下。"""
    os.nice(GENTLY)
    deployment, _ = deployment_and_tree()
    target = folder.absolute() if folder else deployment.path(deployment.settings.backup.folder)
    try:
        made, gone = run(make_backup(deployment, folder.absolute() if folder else None, datetime.now(UTC)))
    except BackupRefused as error:
        fail(f"没有备份：{error}", code=3)
    console.print(
        f"已备份到 {target / made.file}（{size_name(made.bytes)}，用时 {made.seconds:.1f} 秒）。\n"
        f"恢复核对无误：工单 {made.tickets} 件，留痕 {made.last_event} 条完整。",
        markup=False,
    )
    if gone:
        console.print(f"删除了 {len(gone)} 份较早的备份（backup.keep）。", markup=False)


def restore(
    file: Annotated[Path, typer.Argument(help="备份文件，如 intake-20261125-013000.db.gz")],
    into: Annotated[str, typer.Option(help="恢复到另一个空的数据库，如 postgresql://…；默认为配置中的数据库")] = "",
) -> None:
    """从备份恢复到空的数据库（先停止服务）；恢复后核对，有误则不留下任何数据。"""
    deployment, _ = deployment_and_tree()
    url = database_url(into, Path.cwd()) if into else deployment.database_url
    try:
        found, known = run(restore_backup(url, the_keyring(deployment), file.absolute(), datetime.now(UTC)))
    except CannotStart as error:
        fail(f"没有恢复：{error}", code=2)
    except BackupRefused as error:
        fail(f"没有恢复：{error}", code=3)
    console.print(
        f"已恢复 {file.name}：工单 {found.rows.get('tickets', 0)} 件，留痕 {found.checked} 条完整，数据库结构已是最新。",
        markup=False,
    )
    if known is None:
        console.print(f"旁边没有 {description_of(file).name}，未核对文件的大小和校验值。", markup=False)
    if into:
        console.print("启动服务前，请把 DATABASE_URL（或配置中的 database_url）改为这个数据库。", markup=False)
