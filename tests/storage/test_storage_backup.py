"""Backups on both databases: made while others write, checked, restored whole; what is damaged or in the way is refused."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import town
from databases import SQLITE, PostgresServer, embedded_tools, sqlite_url
from parts import act, taken
from sealing_keys import KEYRING
from sqlalchemy import make_url, text
from test_storage_processes import ENDLESS, receipts, start, stored

from domain.administration import Deed
from domain.lifecycle import Action
from domain.people import SYSTEM
from domain.ticket import Ticket
from storage.account_events import AccountEventFilter
from storage.backup import BackupRefused, back_up, description_of, kept, prune, restore
from storage.database import open_engine, writing
from storage.keyring import new_keyring
from storage.migrate import newest_revision, upgrade
from storage.pictures import Picture
from storage.postgres_tools import ToolFailed, environment_of, tools_for
from storage.store import Store

NOW = town.at("2026-11-25 01:30")
VERSION = "1.0.0"


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pg_dump` of the embedded server, where the machine's own does not fit it."""
    if folder := embedded_tools():
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def elsewhere(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, of the same kind as the test's own."""
    if database_kind == SQLITE:
        yield sqlite_url(tmp_path / "else" / "where" / "intake.db")
        return
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    url = server.empty()
    yield url
    server.drop(url)


async def execute(url: str, *statements: str) -> None:
    engine = open_engine(url)
    try:
        async with writing(engine) as connection:
            for one in statements:
                await connection.execute(text(one))
    finally:
        await engine.dispose()


async def table_names(url: str) -> set[str]:
    if url.startswith("sqlite") and not Path(str(make_url(url).database)).exists():
        return set()
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            catalogue = "sqlite_master" if engine.dialect.name == "sqlite" else "pg_tables WHERE schemaname = 'public'"
            column = "name" if engine.dialect.name == "sqlite" else "tablename"
            return set((await connection.execute(text(f"SELECT {column} FROM {catalogue}"))).scalars())
    finally:
        await engine.dispose()


async def lived_a_little(url: str) -> Ticket:
    """A ticket with some history, a picture and an absence; nobody has the database open any more."""
    store = await Store.open(url, KEYRING)
    try:
        ticket = await taken(store, "一号“’;--")
        ticket = await act(store, ticket.no, Action.ACCEPT, town.member(), town.MONDAY)
        picture = Picture("p" * 32, bytes(range(256)) * 40, 10, 10, "citizen", town.MONDAY, ticket.no)
        await store.pictures.keep(picture)
        await store.account_events.add(SYSTEM, Deed.USER_LOCKED, "a1", town.MONDAY)
        return ticket
    finally:
        await store.close()


async def test_what_was_backed_up_while_others_wrote_is_restored_whole(
    database_url: str, database_kind: str, elsewhere: str, tmp_path: Path
) -> None:
    ticket = await lived_a_little(database_url)
    folder = tmp_path / "new" / "backups"
    process = await start(database_url, "S", ENDLESS)
    promised = await receipts(process, 40)
    made = await back_up(database_url, KEYRING, folder, NOW, VERSION)
    assert process.returncode is None
    process.kill()
    afterwards = await receipts(process)
    await process.wait()
    assert afterwards, "nobody waited for the backup"

    file = folder / made.file
    assert file.name == f"intake-20261125-013000.{'db.gz' if database_kind == SQLITE else 'dump'}"
    assert sorted(one.name for one in folder.iterdir()) == [file.name, f"{file.name}.json"]
    assert [stat.S_IMODE(one.stat().st_mode) for one in (folder, *sorted(folder.iterdir()))] == [0o700, 0o600, 0o600]
    said = json.loads(description_of(file).read_text(encoding="utf-8"))
    assert (said["bytes"], said["rows"], said["last_event"]) == (file.stat().st_size, made.rows, made.last_event)
    assert (said["revision"], said["version"], said["database"]) == (newest_revision(), VERSION, database_kind)
    assert 3 + 2 * len(promised) <= made.last_event == made.rows["events"]

    found, known = await restore(elsewhere, KEYRING, file, NOW)
    assert known == made and found.rows == made.rows and found.checked == made.last_event
    store = await Store.open(elsewhere, KEYRING)
    try:
        assert (await store.verify_chain()).checked == made.last_event
        assert (await store.account_events.verify()).checked == 2
        there = await stored(store)
        assert {source_no: there.get(source_no) for source_no, _, _ in promised} == {
            source_no: no for source_no, no, _ in promised
        }
        again = await store.tickets.get(ticket.no)
        assert again == ticket
        picture = await store.pictures.get("p" * 32)
        assert picture is not None and picture.content == bytes(range(256)) * 40
        assert (await store.account_events.find(AccountEventFilter(), limit=1))[0][0].deed is Deed.RESTORED
        assert (await taken(store, "another")).id == made.tickets + 1, "life goes on"
    finally:
        await store.close()
    if database_kind == SQLITE:
        assert stat.S_IMODE(Path(str(make_url(elsewhere).database)).stat().st_mode) == 0o600

    store = await Store.open(database_url, KEYRING)
    try:
        (entry,), _ = await store.account_events.find(AccountEventFilter(deed=Deed.BACKED_UP), limit=5)
        assert (entry.subject, entry.at, entry.actor) == (made.file, NOW, "system")
        assert {name: entry.data[name] for name in ("bytes", "sha256", "last_event", "seconds")} == {
            name: getattr(made, name) for name in ("bytes", "sha256", "last_event", "seconds")
        }
    finally:
        await store.close()


async def test_a_damaged_file_is_refused_and_the_database_stays_empty(
    database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    await lived_a_little(database_url)
    file = tmp_path / (await back_up(database_url, KEYRING, tmp_path, NOW, VERSION)).file
    whole, description = file.read_bytes(), description_of(file).read_text(encoding="utf-8")
    middle = len(whole) // 2
    altered = whole[:middle] + bytes(255 - one for one in whole[middle : middle + 64]) + whole[middle + 64 :]

    async def refused(content: bytes, said: str, words: str) -> None:
        file.write_bytes(content)
        description_of(file).write_text(said, encoding="utf-8")
        if not said:
            description_of(file).unlink()
        with pytest.raises(BackupRefused, match=words):
            await restore(elsewhere, KEYRING, file, NOW)
        assert await table_names(elsewhere) == set()

    await refused(altered, description, "校验值不符，文件已损坏")
    await refused(whole, "{}", "不是备份的说明文件")
    rows = {**json.loads(description)["rows"], "pictures": 2}
    changed = json.dumps({**json.loads(description), "rows": rows})
    await refused(whole, changed, "pictures 应有 2 行，恢复后为 1 行")
    for damaged in (altered, whole[:-100], b"", b"something else" * 100):
        await refused(damaged, "", r"已损坏|没有完成|没有本系统的数据")
    file.write_bytes(whole)
    found, known = await restore(elsewhere, KEYRING, file, NOW)
    assert found.rows["tickets"] == 1 and known is None


async def test_only_an_empty_database_that_nobody_uses_is_restored_into(
    database_url: str, database_kind: str, elsewhere: str, tmp_path: Path
) -> None:
    ticket = await lived_a_little(database_url)
    file = tmp_path / (await back_up(database_url, KEYRING, tmp_path, NOW, VERSION)).file
    with pytest.raises(BackupRefused, match=r"库中已有工单.*--into"):
        await restore(database_url, KEYRING, file, NOW)
    await execute(elsewhere, "CREATE TABLE payroll (id INTEGER)")
    with pytest.raises(BackupRefused, match="不属于本系统的表（payroll）"):
        await restore(elsewhere, KEYRING, file, NOW)
    await execute(elsewhere, "DROP TABLE payroll")
    await restore(elsewhere, KEYRING, file, NOW)
    await execute(elsewhere, *(f"DELETE FROM {one}" for one in ("clocks", "pictures", "standing", "outbox")))
    await execute(elsewhere, *(f"DELETE FROM {one}" for one in ("complaints", "events", "search_documents")))
    await execute(elsewhere, "DELETE FROM assignments", "DELETE FROM tickets")
    serving = await Store.open(elsewhere, KEYRING)
    await serving.ping()
    with pytest.raises(BackupRefused, match="请先停止服务"):
        await restore(elsewhere, KEYRING, file, NOW)
    await serving.close()
    await restore(elsewhere, KEYRING, file, NOW)
    store = await Store.open(elsewhere, KEYRING)
    assert await store.tickets.get(ticket.no) == ticket
    await store.close()
    other = file.with_name(f"intake.{'dump' if database_kind == SQLITE else 'db.gz'}")
    shutil.copy(file, other)
    with pytest.raises(BackupRefused, match="不能恢复到"):
        await restore(elsewhere, KEYRING, other, NOW)
    with pytest.raises(BackupRefused, match="找不到备份文件"):
        await restore(elsewhere, KEYRING, tmp_path / "gone.db.gz", NOW)


async def test_older_tables_are_backed_up_as_they_are_and_restored_to_todays(
    empty_database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    await upgrade(empty_database_url, "0011")
    await execute(empty_database_url, "INSERT INTO day_counters (day, last_number) VALUES ('2026-11-23', 7)")
    made = await back_up(empty_database_url, KEYRING, tmp_path, NOW, VERSION)
    assert made.revision == "0011" and "look_up_misses" not in made.rows
    found, _ = await restore(elsewhere, KEYRING, tmp_path / made.file, NOW)
    assert found.rows == made.rows
    assert found.rows["day_counters"] == 1
    store = await Store.open(elsewhere, KEYRING)
    try:
        assert (await store.conditions.database()).revision == newest_revision()
    finally:
        await store.close()
    await execute(empty_database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BackupRefused, match="更新的版本"):
        await back_up(empty_database_url, KEYRING, tmp_path / "newer", NOW, VERSION)


async def test_a_backup_is_not_restored_without_its_keys(database_url: str, elsewhere: str, tmp_path: Path) -> None:
    await lived_a_little(database_url)
    store = await Store.open(database_url, KEYRING)
    await store.keys.adopt(NOW)
    await store.close()
    made = await back_up(database_url, KEYRING, tmp_path, NOW, VERSION)
    with pytest.raises(BackupRefused, match="打不开：index 密钥不是当初用的那一个"):
        await restore(elsewhere, new_keyring(), tmp_path / made.file, NOW)
    assert await table_names(elsewhere) == set()


async def test_a_chain_that_was_tampered_with_is_no_backup(database_url: str, tmp_path: Path) -> None:
    await lived_a_little(database_url)
    await execute(database_url, "UPDATE events SET actor = 'x' WHERE sequence = 2")
    with pytest.raises(BackupRefused, match="工单留痕第 2 条有误"):
        await back_up(database_url, KEYRING, tmp_path / "backups", NOW, VERSION)
    assert list((tmp_path / "backups").iterdir()) == []
    store = await Store.open(database_url, KEYRING)
    assert await store.account_events.find(AccountEventFilter(deed=Deed.BACKED_UP), limit=1) == ([], None)
    await store.close()


async def test_a_folder_that_cannot_take_it_is_named(database_url: str, database_kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupRefused, match=f"不能读写 {tmp_path}/file"):
        await back_up(database_url, KEYRING, tmp_path / "file", NOW, VERSION)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / ".intake-20261124-013000.dump.partial").touch()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(BackupRefused, match="另一个备份正在写入"):
        await back_up(database_url, KEYRING, folder, NOW, VERSION)
    os.close(descriptor)
    await back_up(database_url, KEYRING, folder, NOW, VERSION)
    assert len(list(folder.iterdir())) == 2, "what a killed process left behind is gone"
    with pytest.raises(BackupRefused, match="已经存在"):
        await back_up(database_url, KEYRING, folder, NOW, VERSION)
    if database_kind == SQLITE:
        with pytest.raises(BackupRefused, match="内存"):
            await back_up("sqlite+aiosqlite://", KEYRING, folder, NOW, VERSION)
        database = Path(str(make_url(database_url).database))
        os.truncate(database, shutil.disk_usage(folder).free)  # takes no room itself
        with pytest.raises(BackupRefused, match=r"磁盘空间不足：需要 .* MB，只剩"):
            await back_up(database_url, KEYRING, tmp_path / "more", NOW, VERSION)
        database.unlink()
    else:
        gone = make_url(database_url).set(database="gone").render_as_string(hide_password=False)
        with pytest.raises(BackupRefused, match="数据库出错"):
            await back_up(gone, KEYRING, tmp_path / "more", NOW, VERSION)


def test_old_backups_go_and_nothing_else(tmp_path: Path) -> None:
    names = [f"intake-202611{day:02}-013000.{end}" for day, end in ((9, "dump"), (10, "db.gz"), (11, "db.gz"))]
    others = ["intake-20261101-013000.db.gz.copy", "before-upgrade.db.gz", "intake-1.dump"]
    for name in (*names, *(f"{one}.json" for one in names), *others):
        (tmp_path / name).touch()
    assert [one.name for one in prune(tmp_path, 2)] == names[:1]
    assert [one.name for one in kept(tmp_path)] == names[1:]
    assert {one.name for one in tmp_path.iterdir()} == {*names[1:], *(f"{one}.json" for one in names[1:]), *others}


async def test_an_account_that_may_not_make_databases_is_told(postgresql_database_url: str, tmp_path: Path) -> None:
    role = f"poor_{os.getpid()}"
    await execute(
        postgresql_database_url,
        f"CREATE ROLE {role} LOGIN PASSWORD 'obviously-invented'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    )
    try:
        url = make_url(postgresql_database_url).set(username=role, password="obviously-invented")
        with pytest.raises(BackupRefused, match="CREATEDB"):
            await back_up(url.render_as_string(hide_password=False), KEYRING, tmp_path / "backups", NOW, VERSION)
        assert list((tmp_path / "backups").iterdir()) == []
    finally:
        await execute(postgresql_database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


async def test_the_tools_of_the_servers_version_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for major in (98, 97, 99):
        for tool in ("pg_dump", "pg_restore"):
            script = tmp_path / str(major) / tool
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"#!/bin/sh\necho '{tool} (PostgreSQL) {major}.4'\n", encoding="utf-8")
            script.chmod(0o700)
    monkeypatch.setenv("PATH", os.pathsep.join([*(str(tmp_path / one) for one in ("98", "97", "99")), "/bin"]))
    assert [(await tools_for(server)).folder.name for server in (97, 98, 99)] == ["97", "98", "99"]
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "99"), str(tmp_path / "98"), "/bin"]))
    assert (await tools_for(97)).folder.name == "98", "the next newer one"
    with pytest.raises(ToolFailed, match="本机的 pg_dump 是 99 版，不能备份 100 版的数据库：请安装"):
        await tools_for(100)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (
            "postgresql+asyncpg://u:p%40ss@db.example:5433/intake?ssl=require",
            {
                **{"PGHOST": "db.example", "PGPORT": "5433", "PGUSER": "u", "PGPASSWORD": "p@ss"},
                **{"PGDATABASE": "intake", "PGSSLMODE": "require"},
            },
        ),
        (
            "postgresql+asyncpg://u@/intake?host=/run/postgresql",
            {"PGHOST": "/run/postgresql", "PGUSER": "u", "PGDATABASE": "intake"},
        ),
        (
            "postgresql+asyncpg://u@/intake?host=a.example:1&host=b.example:2",
            {"PGHOST": "a.example,b.example", "PGPORT": "1,2", "PGUSER": "u", "PGDATABASE": "intake"},
        ),
    ],
)
def test_the_tools_connect_as_the_service_does(url: str, found: dict[str, str]) -> None:
    assert environment_of(make_url(url)) == found
