"""The command line as people type it: each command in a process of its own, its other inputs in this one."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import run, run_here
from service import ROOT, SECRETS, copy_beside, sample

DATA = ROOT.parent / "shared" / "data"


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
    lines = run_here("clock", start, limit).splitlines()
    assert lines[0] == due
    assert len(lines) > 1


def test_clock_names_make_up_days_and_holidays() -> None:
    told = run("clock", "2026-09-30T09:00", "3 working_days")
    assert "国庆节" in told and "2026-10-10 周六 调休上班" in told


@pytest.mark.parametrize(("start", "limit"), [("yesterday", "3 working_days"), ("2026-09-30T09:00", "3 days")])
def test_clock_says_what_it_cannot_read(start: str, limit: str) -> None:
    assert "应" in run_here("clock", start, limit, code=2)


def test_check_passes_the_shipped_configuration_and_names_missing_secrets() -> None:
    told = run_here("check", **dict.fromkeys(SECRETS, ""))
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
    assert "已经存在" in run_here("user", "add", "brigade-1.fh.a", "--role", "operator", code=1, **database)
    assert "brigade-1" in run_here("user", "add", "x", "--role", "brigade", code=2, **database)
    assert "operator" in run_here("user", "add", "x", "--role", "king", code=2, **database)
    assert "portal" in run_here("user", "add", "portal", "--role", "operator", code=2, **database)
    assert "brigade-1" in run_here(
        "user", "add", "desk.one", "--role", "operator", "--unit", "none", code=2, **database
    )


def test_a_record_of_administration_that_was_altered_is_named(database: dict[str, str]) -> None:
    run_here("user", "add", "desk.one", "--role", "operator", **database)
    with closing(sqlite3.connect(database["DATABASE_URL"].removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE account_events SET subject = 'desk.two'")
        connection.commit()
    assert "第 1 条管理留痕有误" in run_here("db", "verify", code=1, **database)


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
    assert "全部" in (told := run("db", "verify", **database)) and "0 条管理留痕完好" in told


def test_ingest_says_what_it_cannot_take(tmp_path: Path, database: dict[str, str]) -> None:
    path = tmp_path / "nothing.csv"
    path.write_text("姓名,年龄\n测试,3\n", encoding="utf-8")
    assert "表头" in run_here("ingest", str(path), "--channel", "12345", code=2, **database)
    assert "12345" in run_here("ingest", str(path), "--channel", "110", code=2, **database)
    assert "打开" in run_here("ingest", str(tmp_path / "gone.csv"), "--channel", "12345", code=2, **database)


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
    assert "--dry-run" in run_here("route", "--since", "2026-01-01", code=2, **database)


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


def labelled(path: Path) -> Path:
    """An export that somebody has labelled in words of their own, with the kinds as people write them."""
    matters = {
        "市容秩序": ("摊贩占道经营", "门口乱停电动车", "小贩堵住人行道"),
        "施工噪声": ("工地半夜打桩", "夜间施工太吵"),
    }
    frames = (("{}，请尽快处理第{}次", "投诉"), ("请问{}归哪里管，第{}问", "咨询"), ("{}已经反映{}回了", "投诉"))
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["标题", "内容", "类别", "类型"])
        for label, words in matters.items():
            for number in range(60):
                frame, kind = frames[number % len(frames)]
                writer.writerow([words[number % len(words)], frame.format(words[0], number), label, kind])
    return path


def test_the_users_own_labels_are_learnt_and_measured_and_versions_listed(
    tmp_path: Path, database: dict[str, str]
) -> None:
    for one in (ROOT / "var" / "models").iterdir():  # the shipped model is not trained again
        if one.is_file():
            (tmp_path / "models").mkdir(exist_ok=True)
            (tmp_path / "models" / one.name).symlink_to(one)
    config = tmp_path / "config.yml"
    config.write_text((ROOT / "config.yml").read_text("utf-8").replace("var/models", "models"), encoding="utf-8")
    copy_beside(tmp_path)
    place = {"CONFIG": str(config), **database}
    table = labelled(tmp_path / "own.csv")
    columns = ("--data", str(table), "--text", "标题", "--text", "内容", "--label", "类别", "--kind", "类型")
    told = run_here("nlu", "train", *columns, **place)
    assert "单独训练，不影响派单" in told and "已启用" in told
    assert (tmp_path / "models" / "own-labels" / "current").is_file()
    assert "与前一版本相比" in run_here("nlu", "train", *columns[:-2], **place)
    result = tmp_path / "measured.md"
    told = run_here("nlu", "evaluate", *columns, "--output", str(result), **place)
    for method in ("多数类", "TF-IDF 字符＋线性 SVM", "jieba 词＋线性 SVM", "内置引擎", "自有类别模型"):
        assert f"| {method}" in told
    assert "诉求类型，未用这批数据训练" in told and "| complaint |" in told
    assert result.read_text(encoding="utf-8").strip() == told.strip()
    for suffix in ("json", "npz"):
        (tmp_path / "models" / f"2020-01-01-00000000.{suffix}").write_text('{"format": 1}', encoding="utf-8")
    told = run_here("nlu", "models", **place)
    assert "现用" in told
    assert "2020-01-01-00000000" in told and "不能使用" in told, (
        "what is of an older format is named, and hides no other"
    )
    assert "没有版本" in run_here("nlu", "models", "--use", "none", code=2, **place)
    assert "没有列" in run_here(
        "nlu", "train", "--data", str(table), "--text", "正文", "--label", "类别", code=2, **place
    )
