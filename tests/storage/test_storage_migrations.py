"""Migrations bring a database to the shape of `tables`, and back, on both kinds; starting twice at once is harmless."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sealing_keys import KEYRING
from sqlalchemy import Connection, inspect, text

from domain.ticket import OPEN
from storage.database import open_engine
from storage.migrate import _config, current_revision, downgrade, upgrade
from storage.store import Store
from storage.tables import CLOCK_LIGHTS_UP, metadata


async def inspected(url: str, look: Any) -> Any:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    finally:
        await engine.dispose()


async def test_the_migrated_database_has_the_shape_of_the_tables(database_url: str) -> None:
    def described(name: str | None, kind: str, parents: Any) -> bool:
        # The search index is of each database's own kind; `storage.search` and its migration describe it.
        return not (kind == "table" and (name or "").startswith("search_grams"))

    def differences(connection: Connection) -> list[Any]:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": described}
        context = MigrationContext.configure(connection, opts=opts)
        return compare_metadata(context, metadata)

    assert await inspected(database_url, differences) == []


async def test_partial_indexes_are_partial(database_url: str, database_kind: str) -> None:
    """Alembic does not compare the condition of an index; a sweep's cost depends on it."""

    option = f"{database_kind}_where"

    def conditions(connection: Connection) -> dict[str, str]:
        options = {one["name"]: one.get("dialect_options", {}) for one in inspect(connection).get_indexes("clocks")}
        return {name: str(found[option]) for name, found in options.items() if found.get(option) is not None}

    found = await inspected(database_url, conditions)
    assert set(found) == {"ix_clocks_light_due_at", "ix_clocks_light_yellow_at", "ix_clocks_rungs_light_due_at"}
    assert all("stopped_at IS NULL" in one and "return" in one for one in found.values())
    assert CLOCK_LIGHTS_UP.startswith("stopped_at IS NULL")


async def test_what_is_unfinished_has_an_index_of_its_own(database_url: str, database_kind: str) -> None:
    def condition(connection: Connection) -> str:
        named = {one["name"]: one for one in inspect(connection).get_indexes("tickets")}
        return str(named["ix_tickets_created_at_light_unit_status"]["dialect_options"][f"{database_kind}_where"])

    still_open = await inspected(database_url, condition)
    assert set(re.findall(r"'(\w+)'", still_open)) == {str(status) for status in OPEN}


async def test_down_to_nothing_and_up_again(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    await downgrade(empty_database_url, "base")
    left = await inspected(empty_database_url, lambda connection: set(inspect(connection).get_table_names()))
    assert left <= {"alembic_version"}
    await upgrade(empty_database_url)
    store = await Store.open(empty_database_url, KEYRING)
    try:
        assert (await store.verify_chain()).intact
    finally:
        await store.close()


async def test_upgrading_again_changes_nothing(database_url: str) -> None:
    await upgrade(database_url)
    heads = await inspected(
        database_url, lambda connection: ScriptDirectory.from_config(_config(connection)).get_current_head()
    )
    engine = open_engine(database_url)
    try:
        assert await current_revision(engine) == heads
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM head"))).scalar_one() == 1
    finally:
        await engine.dispose()


async def test_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_database_url) for _ in range(3)))
    engine = open_engine(empty_database_url)
    try:
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM head"))).scalar_one() == 1
    finally:
        await engine.dispose()


async def test_an_unmigrated_database_has_no_revision(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    try:
        assert await current_revision(engine) is None
    finally:
        await engine.dispose()
