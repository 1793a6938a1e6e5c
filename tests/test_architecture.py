"""The design's one direction of imports, and what each room must not know, held by reading every import statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("domain", "adapters", "nlu", "router", "storage", "supervision", "intake_bot")

MAY_IMPORT: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "adapters": frozenset({"domain"}),
    "nlu": frozenset({"domain"}),
    "router": frozenset({"domain"}),
    "storage": frozenset({"domain"}),
    "supervision": frozenset({"domain", "storage"}),
    "intake_bot": frozenset(ROOMS),
}
"""Which rooms each room may use beside itself (`design.md`, “The one path through the house”)."""

MUST_NOT_KNOW: dict[str, frozenset[str]] = {
    "domain": frozenset({"aiohttp", "sqlalchemy", "asyncio", "pathlib", "os", "yaml"}),
    "adapters": frozenset({"aiohttp", "sqlalchemy", "socket", "urllib"}),
    "nlu": frozenset({"sqlalchemy", "apscheduler"}),
    "router": frozenset({"aiohttp", "sqlalchemy", "asyncio", "os", "pathlib"}),
    "storage": frozenset({"aiohttp", "apscheduler"}),
    "supervision": frozenset({"aiohttp", "sqlalchemy"}),
    "intake_bot": frozenset({"sqlalchemy"}),
}


def modules(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "environment" not in path.parts)


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, first part) of everything a module imports, wherever in the module it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.split(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    found = modules(room)
    assert found, f"{room}/ is empty"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in found
        for line, name in imported(path)
        if name in ROOMS and name != room and name not in MAY_IMPORT[room]
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_does_not_know_what_is_not_its_business(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(room)
        for line, name in imported(path)
        if name in MUST_NOT_KNOW[room]
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_it_is_for(room: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules(room)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
