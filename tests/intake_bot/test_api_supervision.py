"""Lights, metrics and the stream over HTTP: what each role sees, what is refused, and that figures and tickets agree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from service import Caller, sample

from domain.limit import Limit
from intake_bot.api import stream as streaming
from supervision.metrics import METRICS
from supervision.sweeps import Sweeps

CITY = "brigade-1"


async def taken(caller: Caller) -> list[dict[str, Any]]:
    """One ticket from each JSON channel, as the samples ship."""
    found = []
    for channel in ("12345", "12319", "12369", "e-steward"):
        answer = await caller.send(channel, sample(channel))
        assert answer.status == 201, answer.body
        found.append(answer.body)
    return found


async def sweep(caller: Caller, days: int) -> None:
    """The timers' round, so many days from now."""
    house = caller.house
    sweeps = Sweeps(
        house.store,
        house.settings.supervision,
        house.calendar,
        house.planner,
        Limit.parse(house.settings.router.margin),
    )
    now = house.now() + timedelta(days=days)
    await sweeps.lights(now)
    await sweeps.gaps(now)


async def test_lights_move_with_time(caller: Caller) -> None:
    await taken(caller)
    before = await caller.get("/api/v1/lights")
    assert before.status == 200
    assert before.body["counts"]["red"] == 0
    assert before.body["items"] == []
    await sweep(caller, 90)
    after = (await caller.get("/api/v1/lights")).body
    assert after["counts"]["red"] > 0
    assert {one["light"] for one in after["items"]} == {"red"}
    assert [one["due_at"] for one in after["items"]] == sorted(one["due_at"] for one in after["items"])
    assert {"code": "step_late", "name": "环节超时（总时限未到）"}.items() <= after["gaps"][0].items()
    first = after["items"][0]
    assert first["stage_name"]
    assert first["due_at"].endswith("+08:00")


async def test_pages_of_lights_follow_one_another(caller: Caller) -> None:
    await taken(caller)
    await sweep(caller, 90)
    whole = (await caller.get("/api/v1/lights?limit=200")).body["items"]
    found: list[Any] = []
    cursor = ""
    while True:
        page = (await caller.get(f"/api/v1/lights?limit=2&cursor={cursor}")).body
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == whole
    assert len(whole) > 4
    yellow = await caller.get("/api/v1/lights?light=yellow")
    assert yellow.body["items"] == []


async def test_a_brigade_sees_its_own_lights_and_figures(caller: Caller) -> None:
    tickets = await taken(caller)
    await sweep(caller, 90)
    own = [one["ticket_no"] for one in tickets if one["brigade"] and one["brigade"]["code"] == CITY]
    token = await caller.new_token("brigade", CITY)
    lights = (await caller.get("/api/v1/lights?brigade=brigade-2", token)).body
    assert {one["brigade"]["code"] for one in lights["items"]} == {CITY}
    assert set(own) <= {one["ticket_no"] for one in lights["items"]}
    figures = (await caller.get("/api/v1/metrics?codes=received&group_by=brigade&brigade=brigade-2", token)).body
    assert [group["key"] for group in figures["metrics"][0]["groups"]] == [CITY]
    listed = (await caller.get("/api/v1/metrics/received/tickets", token)).body
    assert sorted(one["ticket_no"] for one in listed["items"]) == sorted(own)


async def test_every_metric_comes_with_its_formula(caller: Caller) -> None:
    await taken(caller)
    answer = await caller.get("/api/v1/metrics?compare=previous&group_by=channel")
    assert answer.status == 200
    body = answer.body
    assert [one["code"] for one in body["metrics"]] == [metric.code for metric in METRICS]
    assert all(one["name"] and one["formula"]["text"] for one in body["metrics"])
    received = body["metrics"][0]
    assert (received["code"], received["total"]["n"], received["before"]["n"]) == ("received", 4, 0)
    assert {group["key"] for group in received["groups"]} == {"12345", "12319", "12369", "e-steward"}
    assert all(group["name"] and not group["ranked"] for group in received["groups"])
    assert body["period"]["to"] > body["period"]["from"] >= body["compared_with"]["to"]
    assert body["smallest_ranked"] == caller.house.settings.supervision.smallest_ranked


@pytest.mark.parametrize(
    "by", ["channel", "kind", "category", "urgency", "brigade", "area", "cell", "handler", "day", "week"]
)
async def test_a_figure_lists_the_tickets_behind_it(caller: Caller, by: str) -> None:
    tickets = await taken(caller)
    figure = (await caller.get(f"/api/v1/metrics?codes=received&group_by={by}")).body["metrics"][0]
    listed: list[str] = []
    for group in figure["groups"]:
        behind = await caller.get(f"/api/v1/metrics/received/tickets?group_by={by}&key={group['key']}")
        assert len(behind.body["items"]) == group["value"]["n"]
        listed += [one["ticket_no"] for one in behind.body["items"]]
    assert sorted(listed) == sorted(one["ticket_no"] for one in tickets)


async def test_the_list_behind_a_figure_has_pages_and_parts(caller: Caller) -> None:
    await taken(caller)
    first = (await caller.get("/api/v1/metrics/received/tickets?limit=3")).body
    rest = (await caller.get(f"/api/v1/metrics/received/tickets?limit=3&offset={first['next_offset']}")).body
    assert (len(first["items"]), len(rest["items"]), rest["next_offset"]) == (3, 1, None)
    misses = (await caller.get("/api/v1/metrics/repeated/tickets?part=miss")).body["items"]
    assert len(misses) == 4
    assert (await caller.get("/api/v1/metrics/repeated/tickets?part=hit")).body["items"] == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/lights?cursor=nonsense", "cursor"),
        ("/api/v1/lights?light=purple", "light"),
        ("/api/v1/lights?limit=0", "limit"),
        ("/api/v1/metrics?codes=received,nonsense", "codes"),
        ("/api/v1/metrics?group_by=colour", "group_by"),
        ("/api/v1/metrics?compare=never", "compare"),
        ("/api/v1/metrics?from=2026-11-02&to=2026-11-01", "to"),
        ("/api/v1/metrics?from=yesterday", "from"),
        ("/api/v1/metrics?channel=a%00b", "channel"),
        (f"/api/v1/metrics?cell={'x' * 65}", "cell"),
        ("/api/v1/metrics/received/tickets?key=brigade-1", "key"),
        ("/api/v1/metrics/received/tickets?group_by=brigade", "key"),
        ("/api/v1/metrics/received/tickets?part=some", "part"),
        ("/api/v1/metrics/received/tickets?offset=-1", "offset"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(caller: Caller, path: str, field: str) -> None:
    answer = await caller.get(path)
    assert (answer.status, answer.fields) == (422, [field]), answer.body


async def test_an_unknown_metric_is_not_found(caller: Caller) -> None:
    answer = await caller.get("/api/v1/metrics/nonsense/tickets")
    assert answer.status == 404
    assert "resolved_in_time" in answer.body["detail"]


@pytest.mark.parametrize(
    "path", ["/api/v1/lights", "/api/v1/metrics", "/api/v1/metrics/received/tickets", "/api/v1/stream"]
)
async def test_nobody_looks_without_a_token(caller: Caller, path: str) -> None:
    assert (await caller.get(path, "")).status == 401


class Listener:
    """A client of the stream that reads message by message."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def message(self) -> dict[str, Any]:
        """The next one that carries data."""
        while True:
            fields: dict[str, str] = {}
            while line := (await asyncio.wait_for(self.response.content.readline(), 20)).decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                fields[name] = value
            if "data" in fields:
                return {"id": int(fields["id"]), "event": fields["event"], **json.loads(fields["data"])}


@asynccontextmanager
async def listening(caller: Caller, token: str | None = None, last: int | None = None) -> AsyncIterator[Listener]:
    headers = {"Authorization": f"Bearer {token or caller.token}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    async with caller.client.get("/api/v1/stream", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert (await response.content.readline()).startswith(b"retry:")
        yield Listener(response)


async def test_the_stream_tells_what_happens(caller: Caller) -> None:
    async with listening(caller) as listener:
        sent = (await caller.send("12345", sample("12345"))).body
        first = await listener.message()
        assert (first["event"], first["ticket_no"], first["action"]) == ("ticket", sent["ticket_no"], "received")
        await listener.message()
        await sweep(caller, 90)
        light = await listener.message()
        assert (light["event"], light["old"], light["new"]) == ("light", "green", "red")
        assert set(light) == {
            "id",
            "event",
            "sequence",
            "ticket_no",
            "action",
            "assignment",
            "at",
            "stage",
            "old",
            "new",
            "due_at",
        }


async def test_a_stream_goes_on_where_it_broke_off(caller: Caller) -> None:
    await taken(caller)
    async with listening(caller, last=0) as listener:
        seen = [await listener.message() for _ in range(3)]
    async with listening(caller, last=seen[-1]["id"]) as listener:
        seen += [await listener.message() for _ in range(5)]
    assert [one["id"] for one in seen] == list(range(1, 9))


async def test_a_brigade_follows_its_own_tickets_only(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PAGE", 2)
    tickets = await taken(caller)
    own = {one["ticket_no"] for one in tickets if one["brigade"] and one["brigade"]["code"] == CITY}
    assert 0 < len(own) < 4
    token = await caller.new_token("brigade", CITY)
    async with listening(caller, token, last=0) as listener:
        seen = {(await listener.message())["ticket_no"] for _ in range(2 * len(own))}
    assert seen <= {one["ticket_no"] for one in tickets}
    assert own <= seen


async def test_a_quiet_stream_still_says_where_it_stands(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(streaming, "POLL_SECONDS", 0.01)
    await taken(caller)
    newest = await caller.house.store.tickets.last_sequence()
    token = await caller.new_token("brigade", "brigade-3")
    async with listening(caller, token, last=newest) as listener:
        lines = [await asyncio.wait_for(listener.response.content.readline(), 20) for _ in range(4)]
    assert f"id: {newest}\n".encode() in lines


async def test_a_stream_ends_so_that_the_client_comes_back(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STREAM_SECONDS", 0.05)
    monkeypatch.setattr(streaming, "POLL_SECONDS", 0.01)
    async with listening(caller) as listener:
        rest = await asyncio.wait_for(listener.response.content.read(), 20)
    assert b"data:" not in rest


@pytest.mark.parametrize("last", ["abc", "-1", "1.5"])
async def test_a_last_event_that_is_no_number_is_refused(caller: Caller, last: str) -> None:
    headers = {"Authorization": f"Bearer {caller.token}", "Last-Event-ID": last}
    async with caller.client.get("/api/v1/stream", headers=headers) as response:
        assert response.status == 422
