"""The command line as people type it: every command in a process of its own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from service import ROOT, SECRETS, copy_beside, sample

DATA = ROOT.parent / "shared" / "data"


def run(*arguments: str, code: int = 0, **environment: str) -> str:
    """A command's standard output; its exit code must be `code`. With another code: what it said on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "intake_bot", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=280,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.mark.parametrize(
    ("start", "limit", "due"),
    [
        ("2026-09-30T09:00", "3 working_days", "2026-10-10T17:30:00+08:00"),
        ("2026-09-30T09:00+08:00", "3 working_days", "2026-10-10T17:30:00+08:00"),
        ("2026-11-24T23:00", "24 natural_hours", "2026-11-25T23:00:00+08:00"),
        ("2026-11-24T11:30", "1 working_hours", "2026-11-24T14:00:00+08:00"),
        ("2026-11-27T17:29", "2 working_minutes", "2026-11-30T08:31:00+08:00"),
    ],
)
def test_clock_gives_the_moment_and_the_reasons(start: str, limit: str, due: str) -> None:
    lines = run("clock", start, limit).splitlines()
    assert lines[0] == due
    assert len(lines) > 1


def test_clock_names_make_up_days_and_holidays() -> None:
    told = run("clock", "2026-09-30T09:00", "3 working_days")
    assert "国庆节" in told and "2026-10-10 周六 调休上班" in told


@pytest.mark.parametrize(("start", "limit"), [("yesterday", "3 working_days"), ("2026-09-30T09:00", "3 days")])
def test_clock_says_what_it_cannot_read(start: str, limit: str) -> None:
    assert "应" in run("clock", start, limit, code=2)


def test_check_passes_the_shipped_configuration_and_names_missing_secrets() -> None:
    told = run("check", **dict.fromkeys(SECRETS, ""))
    assert "没有错误" in told
    assert all(name in told for name in SECRETS)


def test_check_names_lines_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text((ROOT / "config.yml").read_text("utf-8").replace("port: 8080", "port: 808o"), encoding="utf-8")
    told = run("check", code=2, CONFIG=str(path))
    line = next(number for number, one in enumerate(path.read_text("utf-8").splitlines(), 1) if "808o" in one)
    assert f"第 {line} 行" in told and "server.port" in told


@pytest.fixture
def database(tmp_path: Path) -> dict[str, str]:
    return {"DATABASE_URL": f"sqlite:///{tmp_path}/intake.db"}


def test_a_user_is_made_once(database: dict[str, str]) -> None:
    told = run("user", "add", "brigade-1.fh.a", "--role", "brigade", "--unit", "brigade-1", **database)
    assert "一次性口令" in told
    assert "已经存在" in run("user", "add", "brigade-1.fh.a", "--role", "operator", code=1, **database)
    assert "brigade-1" in run("user", "add", "x", "--role", "brigade", code=2, **database)
    assert "operator" in run("user", "add", "x", "--role", "king", code=2, **database)


def exported(path: Path, rows: list[list[str]]) -> Path:
    """A CSV as a township gets it: GB18030, a title row above the headings."""
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["凤凰镇12345工单导出表"])
        writer.writerow(["工单编号", "受理时间", "工单类型", "诉求内容", "诉求地址"])
        writer.writerows(rows)
    return path


def test_ingest_takes_a_table_and_gives_back_what_it_refused(tmp_path: Path, database: dict[str, str]) -> None:
    good = ["", "2026-11-20 09:12:33", "投诉", "恬庄古街流动摊贩占道经营，堵住路口", "恬庄古街"]
    rows = [[f"T{number:03d}", *good[1:]] for number in range(3)]
    rows.insert(1, ["T999", "昨天", "投诉", "", "恬庄古街"])
    table = exported(tmp_path / "export.csv", rows)
    told = run("ingest", str(table), "--channel", "12345", **database)
    assert "受理 3 件，重复 0 件，退回 1 件" in told
    refused = tmp_path / "export-退回.csv"
    lines = list(csv.reader(refused.open(encoding="utf-8-sig")))
    assert lines[0][-2:] == ["行号", "退回原因"]
    assert lines[1][-2] == "4" and "诉求内容" in lines[1][-1] and "受理时间" in lines[1][-1]
    lines[1][1], lines[1][3] = "2026-11-21 08:00:00", "港口社区垃圾桶满了没人清理"
    with refused.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(lines)
    assert "受理 1 件，重复 0 件，退回 0 件" in run("ingest", str(refused), "--channel", "12345", **database)
    assert "受理 0 件，重复 3 件，退回 1 件" in run("ingest", str(table), "--channel", "12345", **database)
    assert "全部" in run("db", "verify", **database)


def test_ingest_says_what_it_cannot_take(tmp_path: Path, database: dict[str, str]) -> None:
    path = tmp_path / "nothing.csv"
    path.write_text("姓名,年龄\n测试,3\n", encoding="utf-8")
    assert "表头" in run("ingest", str(path), "--channel", "12345", code=2, **database)
    assert "12345" in run("ingest", str(path), "--channel", "110", code=2, **database)
    assert "打开" in run("ingest", str(tmp_path / "gone.csv"), "--channel", "12345", code=2, **database)


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
@pytest.mark.parametrize(
    ("name", "channel", "rows"), [("fuzhou_12345.csv", "12345", 749), ("messages_unlabelled.csv", "12345", 4326)]
)
def test_real_exports_go_in_twice_without_a_duplicate(
    name: str, channel: str, rows: int, database: dict[str, str]
) -> None:
    first = run("ingest", str(DATA / name), "--channel", channel, **database)
    assert f"受理 {rows} 件，重复 0 件，退回 0 件" in first
    second = run("ingest", str(DATA / name), "--channel", channel, **database)
    assert f"受理 0 件，重复 {rows} 件，退回 0 件" in second


def test_changed_rules_are_tried_on_past_tickets(tmp_path: Path, database: dict[str, str]) -> None:
    table = exported(
        tmp_path / "export.csv",
        [["T001", "2026-11-20 09:12:33", "投诉", "恬庄古街流动摊贩占道经营，堵住路口", "恬庄古街"]],
    )
    run("ingest", str(table), "--channel", "12345", **database)
    assert "推演 1 件，去向有变化 0 件" in run("route", "--dry-run", "--since", "2026-01-01", **database)
    changed = tmp_path / "config.yml"
    text = (ROOT / "config.yml").read_text("utf-8").replace("then: {helpers: [brigade-2]}", "then: {unit: brigade-3}")
    changed.write_text(text.replace("var/models", f"{ROOT}/var/models"), encoding="utf-8")
    copy_beside(tmp_path)
    told = run("route", "--dry-run", "--since", "2026-01-01", CONFIG=str(changed), **database)
    assert "推演 1 件，去向有变化 1 件" in told
    assert "一大队（城市管理） → 三大队（建设管理）" in told
    assert "--dry-run" in run("route", "--since", "2026-01-01", code=2, **database)


def test_explain_says_what_decided() -> None:
    told = run("nlu", "explain", sample("12345")["majorContent"])
    assert "C0101" in told and "恬庄" in told


def test_an_admin_token_that_is_too_short_is_refused(database: dict[str, str]) -> None:
    assert "INTAKE_ADMIN_TOKEN" in run("serve", code=2, INTAKE_ADMIN_TOKEN="short", PORT="0", **database)


@pytest.mark.parametrize("port", ["eighty", "70000", "-1"])
def test_a_port_that_is_none_is_refused(database: dict[str, str], port: str) -> None:
    assert "PORT" in run("serve", code=2, PORT=port, **database)


def test_samples_are_json() -> None:
    for path in (ROOT / "docs" / "samples").glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
