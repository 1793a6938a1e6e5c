"""`intake-bot keys`: which keys seal what people told us, and changing them while the service goes on."""

from __future__ import annotations

import time

import typer
from rich.table import Table

from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.house import open_store
from intake_bot.keys import VARIABLE, find_keyring, from_environment, key_file, write_keys
from intake_bot.settings import Deployment
from storage.keyring import BadKeyring

app = typer.Typer(help="数据加密密钥", no_args_is_help=True)

ADOPTED_AFTER = 45
"""Seconds until every running process seals with a new key: they read the file every half minute."""


@app.callback()
def about() -> None:
    """数据加密密钥。"""


@app.command("show")
def show() -> None:
    """列出各密钥的指纹和用它加密的内容数（不显示密钥本身）。"""
    deployment, _ = deployment_and_tree()

    async def work() -> tuple[dict[int, str], dict[int, int]]:
        async with open_store(deployment) as store:
            return store.keys.fingerprints(), await store.keys.numbers()

    fingerprints, numbers = run(work())
    table = Table()
    for heading in ("密钥", "指纹", "加密的内容"):
        table.add_column(heading)
    for number, fingerprint in sorted(fingerprints.items()):
        table.add_row(str(number) if number else "index", fingerprint, str(numbers.get(number, 0)) if number else "–")
    if numbers.get(0):
        table.add_row("（未加密）", "", str(numbers[0]))
    console.print(table)


@app.command("rotate")
def rotate() -> None:
    """换用一个新密钥，并把全部内容用它重新加密；服务不用停。旧密钥留在文件里，旧备份还要用它。"""
    deployment, _ = deployment_and_tree()
    if from_environment():
        fail(
            f"密钥来自环境变量 {VARIABLE}：请在其中加一个编号更大的密钥，重启各台服务后运行 intake-bot keys seal",
            code=2,
        )
    try:
        keyring = find_keyring(deployment)
        if keyring is None:
            fail(f"还没有密钥文件 {key_file(deployment)}，首次启动服务时会生成", code=2)
        newer = keyring.with_new_key()
        write_keys(key_file(deployment), newer, replace=True)
    except BadKeyring as error:
        fail(str(error), code=2)
    console.print(f"已加入密钥 {newer.newest}，请立即另存密钥文件。{ADOPTED_AFTER} 秒后重新加密……", markup=False)
    time.sleep(ADOPTED_AFTER)
    _seal(deployment)


@app.command("seal")
def seal() -> None:
    """把没有用最新密钥加密的内容都用它重新加密；可以随时中断，再运行时接着做。"""
    deployment, _ = deployment_and_tree()
    _seal(deployment)


def _seal(deployment: Deployment) -> None:
    async def work() -> int:
        async with open_store(deployment) as store:
            return await store.keys.seal_anew()

    console.print(f"完成：重新加密 {run(work())} 项内容。", markup=False)
