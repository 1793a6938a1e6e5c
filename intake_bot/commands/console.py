"""What all commands share: printing, loading the deployment, and ending with a sentence instead of a traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import typer
import uvloop
from rich.console import Console

from domain.category import CategoryTree
from intake_bot.config_file import ConfigurationError
from intake_bot.house import CannotStart
from intake_bot.settings import Deployment, config_path, load_deployment
from nlu.categories import load_categories
from storage.store import StorageUnavailable

T = TypeVar("T")

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print a sentence to standard error and end with an exit code."""
    errors.print(message, style="red", markup=False)
    raise typer.Exit(code)


def deployment_and_tree() -> tuple[Deployment, CategoryTree]:
    """The checked configuration; ends the command with the list of its mistakes when there are any."""
    try:
        tree = load_categories()
        return load_deployment(config_path(), tree), tree
    except ConfigurationError as error:
        fail(str(error), code=2)
    except ValueError as error:  # the category tree
        fail(str(error), code=2)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine on uvloop; what cannot be helped from inside is said in a sentence."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except (CannotStart, ConfigurationError) as error:
        fail(str(error), code=2)
    except StorageUnavailable as error:
        fail(f"数据库不可用（{error}），请检查 DATABASE_URL 和磁盘空间", code=3)
    except KeyboardInterrupt:
        fail("已中断", code=130)
