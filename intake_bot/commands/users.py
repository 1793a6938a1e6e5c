"""`intake-bot user`: the people who sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from domain.people import Role
from intake_bot.api.users import ACCOUNT_RULE, is_account
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from intake_bot.passwords import one_time_password
from storage.accounts import AccountExists

app = typer.Typer(help="账号", no_args_is_help=True)

SIGNING_IN = (Role.OPERATOR, Role.BRIGADE, Role.SUPERVISOR, Role.ADMINISTRATOR)


@app.callback()
def about() -> None:
    """账号管理。"""


@app.command("add")
def add(
    account: Annotated[str, typer.Argument(help="账号，如 brigade-1.fh.a")],
    role: Annotated[str, typer.Option(help="operator 坐席、brigade 大队、supervisor 督办、administrator 管理员")],
    name: Annotated[str, typer.Option(help="姓名或岗位名称")] = "",
    unit: Annotated[str, typer.Option(help="大队账号所在单位，如 brigade-1")] = "",
) -> None:
    """新建账号，显示一次性口令；首次登录时须设定新口令。"""
    deployment, _ = deployment_and_tree()
    if role not in {one.value for one in SIGNING_IN}:
        fail(f"角色“{role}”不认识，可用：{'、'.join(SIGNING_IN)}", code=2)
    units = {one.code: one for one in deployment.settings.router.units}
    if role == Role.BRIGADE and unit not in units:
        fail(f"大队账号必须用 --unit 写明单位，可用：{'、'.join(units)}", code=2)
    if unit and unit not in units:
        fail(f"没有单位“{unit}”，可用：{'、'.join(units)}", code=2)
    if not is_account(account):
        fail(f"账号“{account}”不可用：{ACCOUNT_RULE}", code=2)
    known = next((one.name for each in units.values() for one in each.people if one.account == account), "")
    password = one_time_password()

    async def work() -> None:
        async with open_store(deployment) as store:
            try:
                await store.accounts.create_user(
                    account,
                    name or known or account,
                    Role(role),
                    unit or None,
                    password,
                    datetime.now(UTC),
                    must_change=True,
                )
            except AccountExists:
                fail(f"账号 {account} 已经存在")

    run(work())
    console.print(f"已新建账号 {account}，一次性口令：{password}", markup=False)
