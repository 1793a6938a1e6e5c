"""`intake-bot check`: is the configuration right, and if not, which line is wrong and what would be right."""

from __future__ import annotations

import os
from datetime import date

from domain.worktime import ANNOUNCED_YEARS
from intake_bot.commands.console import console, deployment_and_tree
from intake_bot.settings import config_path


def check() -> None:
    """检查配置文件，逐条列出错误的行号、原因和改法。"""
    deployment, tree = deployment_and_tree()
    settings = deployment.settings
    console.print(f"{config_path()} 没有错误。", markup=False)
    console.print(
        f"渠道 {len(settings.channels)} 个，单位 {len(settings.router.units)} 个，"
        f"村社区 {len(settings.router.territory.places)} 个，规则 {len(settings.router.rules)} 条，"
        f"时限 {len(settings.router.limits)} 行，事项 {len(tree.leaves)} 项，表格 {len(settings.sheets)} 种。",
        markup=False,
    )
    for code, secret in deployment.secrets.items():
        if not secret:
            variable = settings.channels[code].secret_env
            console.print(f"提醒：环境变量 {variable} 没有设置，渠道 {code} 暂不能接收来件。", markup=False)
    for variable, said in deployment.unset:
        console.print(f"提醒：环境变量 {variable} 没有设置，{said}。", markup=False)
    portal = settings.sign_in.portal
    if portal is not None and not os.environ.get(portal.secret_env):
        console.print(f"提醒：环境变量 {portal.secret_env} 没有设置，统一门户登录暂不可用。", markup=False)
    if deployment.boundaries.schematic:
        console.print("提醒：网格边界为示意，坐标只在没有地名时采用。", markup=False)
    year = date.today().year  # noqa: DTZ011  (a year's holidays are announced for everybody at once)
    for unknown in (one for one in (year, year + 1) if one not in ANNOUNCED_YEARS):
        console.print(f"提醒：{unknown} 年放假安排尚未公布（或 chinesecalendar 需要更新），期限暂定。", markup=False)
