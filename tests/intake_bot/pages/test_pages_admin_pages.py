"""The administrator's pages over HTTP: who may read them, and what they say of channels, outbox, configuration and models."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from service import ROOT, Caller, copy_beside, sample

from domain.people import Actor, Role
from domain.worktime import Override, WorkCalendar, local
from intake_bot.api.server import build_app
from intake_bot.event_names import EVENTS
from intake_bot.notice_wording import TITLES
from intake_bot.pages.admin import holidays, weekly, worst
from intake_bot.pages.admin_records import ABOUT_NAMES
from intake_bot.pages.admin_system import config_state
from supervision.reports.schedule import REPORT

PAGES = ("", "/users", "/tokens", "/rosters", "/outbox", "/models", "/config", "/audit", "/audit/accounts")
BY = Actor("administrator", Role.ADMINISTRATOR)


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


async def html(caller: Caller, path: str, status: int = 200) -> str:
    answer = await caller.get(path)
    assert answer.status == status, answer.body
    return str(answer.body)


@pytest.mark.parametrize("role", ["operator", "supervisor", "brigade"])
async def test_the_pages_are_the_administrators(caller: Caller, role: str) -> None:
    token = await caller.new_token(role, "brigade-1" if role == "brigade" else "")
    for path in PAGES:
        assert (await caller.get(f"/admin{path}", token)).status == 403, path


async def test_nobody_is_led_to_the_sign_in_and_back(caller: Caller) -> None:
    answer = await caller.client.get("/admin/users?q=x", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fadmin%2Fusers%3Fq%3Dx")


async def test_channels_say_what_came_and_what_was_refused(caller: Caller) -> None:
    await caller.send("12345", sample("12345"))
    await caller.send("12345", sample("12345"))
    await caller.send("12345", {})
    await caller.send("12369", sample("12369"), at=0.0)
    counts = caller.house.counters.by_channel()
    assert counts == {"12345": {"taken": 1, "duplicate": 1, "refused": 1}, "12369": {"unsigned": 1}}
    shown = await html(caller, "/admin")
    row = shown.split("12345便民服务")[1].split("</tr>")[0]
    assert [cell.split("</td>")[0] for cell in row.split('<td class="number">')[1:]] == [
        *("1", "1", "1", "1", "0"),
        *("—", "—"),  # neither compared nor reported to
    ]
    assert "还没有" in shown.split("12319城管热线")[1].split("</tr>")[0]


async def test_a_channel_without_its_secret_is_named(caller: Caller) -> None:
    without = replace(caller.house, secrets={**caller.house.secrets, "12319": ""})
    async with TestClient(TestServer(build_app(without, timers=False))) as client:
        answer = await client.get("/admin", headers={"Authorization": f"Bearer {caller.token}"})
        assert "INTAKE_SECRET_12319" in await answer.text()


async def test_what_was_given_up_is_a_concern_and_can_be_sent_again(caller: Caller) -> None:
    assert "通知停发" not in await html(caller, "/admin")
    await caller.send("12345", sample("12345"))
    store, later = caller.house.store, caller.house.now() + timedelta(days=1)
    rows = await store.outbox.lease("", later, limit=50, lease=timedelta(minutes=1))
    await store.outbox.parked([one.id for one in rows], "<b>对方不在线</b>", later)
    assert f"有 {len(rows)} 条通知停发" in await html(caller, "/admin")
    shown = await html(caller, "/admin/outbox")
    assert "&lt;b&gt;对方不在线&lt;/b&gt;" in shown and f"/api/v1/outbox/{rows[0].id}/replay" in shown


async def test_five_hundred_users_are_found_by_word_and_role(caller: Caller) -> None:
    users, now = caller.house.store.accounts, caller.house.now()
    await users.create_user("first.x", "甲", Role.ADMINISTRATOR, None, "Obviously-1nvented", now, must_change=True)
    await users.create_user("second.x", "乙%", Role.OPERATOR, None, "Obviously-1nvented", now, must_change=True)
    for query, found in (
        ("q=first", ["first.x"]),
        ("q=%25", ["second.x"]),
        ("role=operator", ["second.x"]),
        ("q=无", []),
    ):
        shown = await html(caller, f"/admin/users?{query}")
        assert [one for one in ("first.x", "second.x") if f'<th scope="row">{one}</th>' in shown] == found, query
    assert "没有符合条件的账号" in shown
    await html(caller, "/admin/users?role=emperor", 422)


def a_config(folder: Path, text: str) -> Path:
    copy_beside(folder)
    file = folder / "config.yml"
    file.write_text(text, encoding="utf-8")
    return file


SHIPPED = (ROOT / "config.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "concern", "said"),
    [
        ("", "", "", "没有错误，正在使用"),
        ("idle_minutes: 30", "idle_minutes: 31", "启动后改动过", "重新启动后生效"),
        ("idle_minutes: 30", "idle_minutes: 1", "有 1 处错误", "应不小于 5"),
        ("bureau:", "bureau: [", "有 1 处错误", "YAML 写法有误"),
    ],
)
async def test_the_configuration_is_shown_with_its_mistakes(
    caller: Caller, tmp_path: Path, old: str, new: str, concern: str, said: str
) -> None:
    file = a_config(tmp_path, SHIPPED.replace(old, new, 1) if old else SHIPPED)
    house = replace(caller.house, deployment=replace(caller.house.deployment, file=file))
    async with TestClient(TestServer(build_app(house, timers=False))) as client:
        headers = {"Authorization": f"Bearer {caller.token}"}
        home = await (await client.get("/admin", headers=headers)).text()
        assert concern in home if concern else "config.yml" not in home.split("</section>")[0]
        shown = await (await client.get("/admin/config", headers=headers)).text()
        assert said in shown
        if "idle_minutes: 1" in new and new != "idle_minutes: 31":
            line = SHIPPED[: SHIPPED.index(old)].count("\n") + 1
            assert f'href="#line-{line}"' in shown and f'class="line line-wrong" id="line-{line}"' in shown


async def test_a_password_in_an_address_is_not_shown(caller: Caller, tmp_path: Path) -> None:
    address = "postgresql://intake:obviously-invented@db.example/intake"
    file = a_config(tmp_path, SHIPPED.replace("sqlite+aiosqlite:///var/intake.db", address))
    house = replace(caller.house, deployment=replace(caller.house.deployment, file=file))
    text = "\n".join(config_state(house).lines)
    assert "postgresql://***@db.example/intake" in text and "obviously-invented" not in text
    file.unlink()
    gone = config_state(house)
    assert not gone.lines and "找不到配置文件" in gone.mistakes[0].message


async def test_corrections_are_listed_masked_and_wait_for_the_next_training(caller: Caller) -> None:
    body = {**sample("12345"), "majorContent": "恬庄古街流动摊贩占道经营，电话13800000000"}
    no = (await caller.send("12345", body)).body["ticket_no"]
    secret = (await caller.send("12369", sample("12369"))).body["ticket_no"]
    await caller.act(no, "reclassify", category="C0103", note="是<b>夜市</b>")
    await caller.act(secret, "reclassify", category="E0102", note="是粉尘")
    (found,) = (await caller.get("/api/v1/models/corrections")).body["corrections"]
    assert (found["ticket_no"], found["before"]["code"], found["after"]["code"]) == (no, "C0101", "C0103")
    assert "13800000000" not in found["text"] and "流动摊贩" in found["text"]
    shown = await html(caller, "/admin/models")
    assert "是&lt;b&gt;夜市&lt;/b&gt;" in shown and "13800000000" not in shown
    assert await caller.house.store.conditions.corrections_since(caller.house.now() - timedelta(hours=1)) == 1
    assert await caller.house.store.conditions.corrections_since(caller.house.now()) == 0


def test_weeks_and_categories_are_summed() -> None:
    rows = [
        {"week": week, "category": {"name": name}, "tickets": tickets, "never_corrected": kept}
        for week, name, tickets, kept in (
            ("2026-11-16", "占道", 6, 3),
            ("2026-11-23", "占道", 4, 4),
            ("2026-11-23", "噪声", 4, 0),
            ("2026-11-23", "绿化", 5, 5),
        )
    ]
    assert weekly(rows) == [("2026-11-16", 6, 0.5), ("2026-11-23", 13, 9 / 13)]
    assert [(one.name, one.tickets, one.share) for one in worst(rows)] == [("占道", 10, 0.7)]


def test_holidays_come_as_runs_with_the_days_that_are_worked_for_them() -> None:
    found = list(
        holidays(WorkCalendar(overrides={date(2026, 10, 12): Override(False, "镇政府通知")}), date(2026, 9, 20))
    )
    spring = [(one.name, one.first, one.last) for one in found if one.first < date(2026, 11, 1)]
    assert ("调休上班", date(2026, 10, 10), date(2026, 10, 10)) in spring
    assert any(one[0] == "国庆节" and (one[2] - one[1]).days >= 5 for one in spring)
    assert ("镇政府通知", date(2026, 10, 12), date(2026, 10, 12)) in spring
    assert any(one.provisional for one in found if one.first.year == 2027)


async def test_the_record_is_looked_through_up_to_and_with_the_last_day(caller: Caller) -> None:
    no = (await caller.send("12345", sample("12345"))).body["ticket_no"]
    await caller.post("/api/v1/audit/verify")
    today = local(caller.house.now()).date()
    for path, found in (("/admin/audit", no), ("/admin/audit/accounts", "校验留痕")):
        listed = f'<td><a href="/admin/audit?ticket={found}"' if found == no else f"<td>{found}</td>"
        assert listed in await html(caller, f"{path}?from={today}&to={today}&actor=&account=")
        assert "没有找到留痕" in await html(caller, f"{path}?to={today - timedelta(days=1)}")
        await html(caller, f"{path}?to=soon", 422)


async def test_no_event_and_no_notice_is_shown_by_its_code(caller: Caller) -> None:
    shown = await html(caller, "/admin/audit")
    for code in EVENTS:
        assert f'<option value="{code}">' in shown, code
    assert ABOUT_NAMES.keys() >= {*EVENTS, *TITLES, REPORT}
