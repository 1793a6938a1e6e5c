"""The lists in `docs/` that must agree with the code: every setting, every route. `make docs` writes, a test holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from adapters.channel import Channel
from domain.lifecycle import ROLE_NAMES
from intake_bot.api.openapi import VERSION
from intake_bot.api.routes import Route
from intake_bot.api.server import all_routes
from intake_bot.commands.console import deployment_and_tree
from intake_bot.settings_reference import settings
from intake_bot.webhooks import EVENT_SCHEMA, asyncapi_document

FOLDER = Path(__file__).parents[1] / "docs"

CONFIGURATION_HEAD = """# 配置说明

全部配置都在 `config.yml`（环境变量 `CONFIG` 可另指一份）。改完运行 `intake-bot check`（或 `make check`）：每处错误都会指出
行号、错在哪里、怎样写才对；有错时服务不会启动。密码和密钥不写在配置里，配置只写存放它们的环境变量名。

下表由程序的设置项生成（`make docs`）。“*”表示列表中的每一项或对照表中的每一个名称；没有默认值的必须填写。

| 设置项 | 含义 | 默认值 |
|---|---|---|
"""
ROUTES_HEAD = """# 接口一览

由程序的路由生成（`make docs`）。完整说明（参数、正文、回答）见运行中的 `/api/openapi.json`。

| 方法 | 地址 | 用途 | 谁可以用 |
|---|---|---|---|
"""


def configuration() -> str:
    """`docs/configuration.zh-CN.md`."""
    return CONFIGURATION_HEAD + "".join(f"| `{name}` | {said} | {default} |\n" for name, said, default in settings())


def routes(all_routes: list[Route]) -> str:
    """`docs/routes.zh-CN.md`."""
    rows = []
    for route in all_routes:
        if route.signed:
            who = "渠道（签名）"
        elif route.roles is None:
            who = "不限"
        else:
            who = "、".join(ROLE_NAMES[role] for role in ROLE_NAMES if role in route.roles)
        rows.append(f"| {route.method} | `{route.path}` | {route.summary} | {who} |\n")
    return ROUTES_HEAD + "".join(rows)


def as_json(document: Mapping[str, Any]) -> str:
    """A document as it stands in a file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def documents(channels: Iterable[Channel]) -> dict[Path, str]:
    """Each generated document's path and text."""
    return {
        FOLDER / "configuration.zh-CN.md": configuration(),
        FOLDER / "routes.zh-CN.md": routes(all_routes(channels)),
        FOLDER / "asyncapi.json": as_json(asyncapi_document(VERSION)),
        FOLDER / "event.schema.json": as_json(EVENT_SCHEMA),
    }


def main() -> None:
    """Write the documents anew."""
    deployment, _ = deployment_and_tree()
    for path, text in documents(Channel(one) for one in deployment.settings.channels.values()).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
