"""`intake-bot serve`: run the service until it is told to stop, then let what was begun finish."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import signal
from datetime import UTC, datetime

import structlog
from aiohttp import web

from domain.category import CategoryTree
from domain.people import Role
from intake_bot.api.server import build_app
from intake_bot.commands.console import console, deployment_and_tree, fail, run
from intake_bot.engines import open_engine
from intake_bot.house import House, open_house
from intake_bot.logs import configure_logs
from intake_bot.passwords import one_time_password
from intake_bot.settings import Deployment
from storage.accounts import AccountExists

DRAIN_SECONDS = 20.0
"""How long requests that are being answered may take after the signal to stop."""
_M_ARENA_MAX = -8
"""What `malloc.h` calls the bound on arenas."""

FIRST_ACCOUNT = "admin"


def serve() -> None:
    """启动服务。"""
    _share_one_arena()
    configure_logs()
    deployment, tree = deployment_and_tree()
    run(_serve(deployment, tree))


def _share_one_arena() -> None:
    """glibc would keep an arena of memory for each thread, tens of megabytes that nothing uses. Elsewhere nobody is asked."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


async def _serve(deployment: Deployment, tree: CategoryTree) -> None:
    console.print("正在准备模型和数据库（首次启动需要训练模型，约一分钟）……", markup=False)
    async with open_engine(deployment, tree) as engine, open_house(deployment, tree, engine) as house:
        password = await _first_account(house)
        runner = web.AppRunner(build_app(house), access_log=None, handle_signals=False, shutdown_timeout=DRAIN_SECONDS)
        await runner.setup()
        # The model, the dictionaries and the rules stay for good. Left where it is, every full collection of garbage would
        # look through all of them again and keep every request waiting meanwhile.
        gc.collect()
        gc.freeze()
        stop = _stop_signal()
        try:
            site = web.TCPSite(runner, deployment.host, deployment.port, backlog=1024, reuse_address=True)
            try:
                await site.start()
            except OSError as error:
                fail(f"不能监听 {deployment.host}:{deployment.port}（{error.strerror}），请用环境变量 PORT 换一个端口")
            _welcome(house, runner, password)
            await stop.wait()
            structlog.get_logger().info("stopping")
        finally:
            await runner.cleanup()


def _welcome(house: House, runner: web.AppRunner, password: str) -> None:
    host, port = runner.addresses[0][:2]
    address = f"http://{host}:{port}"
    console.print(f"\n{house.settings.bureau.name} 诉求受理平台已启动：{address}", markup=False)
    console.print(f"接口说明：{address}/api/openapi.json", markup=False)
    for code, channel in house.channels.items():
        state = "" if house.secrets.get(code) else f"（环境变量 {channel.settings.secret_env} 未设置，暂不接收）"
        console.print(f"渠道 {code}：POST {address}{channel.settings.path}{state}", markup=False)
    if password:
        console.print(
            f"\n首次启动：管理员账号 {FIRST_ACCOUNT}，一次性口令 {password}（只显示这一次，登录时须设定新口令）",
            markup=False,
        )


async def _first_account(house: House) -> str:
    """The one-time password of the first administrator, made where there is no user yet; else empty.

    Before the service listens: complaints that come at once would keep the database busy.
    """
    if await house.store.accounts.any_user():
        return ""
    password = one_time_password()
    try:
        await house.store.accounts.create_user(
            FIRST_ACCOUNT, "管理员", Role.ADMINISTRATOR, None, password, datetime.now(UTC), must_change=True
        )
    except AccountExists:
        return ""  # another process that started at the same moment prints it
    return password


def _stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    return stop
