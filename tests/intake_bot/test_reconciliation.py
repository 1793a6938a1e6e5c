"""A platform's ledger against ours, over HTTP: what is missing is fetched, what differs is listed until it is settled."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from playing import KEYS, RESULT, Courier, Perform, of_12345, status, worked
from service import Caller

from domain.ticket import Status
from intake_bot.exchange_settings import ExchangeSettings, check_exchange
from intake_bot.reconciling import STANDING_OF, reconcile_due
from intake_bot.simulation.peer import PAGE, Peer
from intake_bot.simulation.play import Play

# apprise imports a module that Python 3.13 no longer has, where it is still there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def database_kind() -> str:
    """The tables have tests on both kinds of their own."""
    return "sqlite"


def compared(caller: Caller, play: Play, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Peer:
    """The service told where the ledger of 12345 is."""
    peer = play.peers["12345"]
    written = {"ledgers": {"12345": {"url": f"http://127.0.0.1:{peer.port}/ledger"}}, "reconcile_at": "00:00", **more}
    settings = caller.house.settings.model_copy(update={"exchange": ExchangeSettings.model_validate(written)})
    monkeypatch.setattr(type(caller.house), "settings", settings)
    return peer


async def run(caller: Caller) -> dict[str, Any]:
    answer = await caller.post("/api/v1/reconciliation/run", {"channel": "12345"})
    assert answer.status == 200, answer.body
    return dict(answer.body)


async def shown(caller: Caller, query: str = "") -> dict[str, Any]:
    answer = await caller.get(f"/api/v1/reconciliation{query}")
    assert answer.status == 200, answer.body
    return dict(answer.body)


def test_every_status_has_a_standing() -> None:
    assert set(STANDING_OF) == set(Status)


async def test_two_lists_that_agree(caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    play = await perform(of_12345())
    compared(caller, play, monkeypatch)
    entry = next(iter(play.peers["12345"].ledger.values()))
    await worked(caller, entry, ("accept", {}))
    await Courier(caller, play, monkeypatch).deliver()
    done = await run(caller)
    assert (done["theirs"], done["ours"], done["fetched"], done["differing"], done["error"]) == (2, 2, 0, 0, "")
    seen = await shown(caller)
    assert seen["differences"] == []
    assert [(one["channel"], one["open"], one["last_run"]["theirs"]) for one in seen["channels"]] == [("12345", 0, 2)]


async def test_a_lost_ticket_is_fetched_and_takes_the_ordinary_path(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345(silent=1))
    peer = compared(caller, play, monkeypatch)
    done = await run(caller)
    assert (done["theirs"], done["fetched"], done["differing"]) == (2, 2, 0)
    for number in peer.ledger:
        ticket = await caller.house.store.tickets.by_source("12345", number)
        assert ticket is not None and ticket.assignments
    kept = (await shown(caller, "?settled=true"))["differences"]
    assert {one["kind_name"] for one in kept} == {"我方缺少"} and all("补收" in one["note"] for one in kept)
    assert (await run(caller))["fetched"] == 0, "it is here now"


async def test_what_is_over_there_and_never_came_is_left_alone(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345(silent=1))
    peer = compared(caller, play, monkeypatch)
    for entry in peer.ledger.values():
        entry.standing = "recalled"
    done = await run(caller)
    assert (done["fetched"], done["differing"]) == (0, 0)


async def test_a_lost_ticket_that_cannot_be_read_stays_a_difference(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345(silent=1))
    peer = compared(caller, play, monkeypatch)
    first, _ = peer.ledger.values()
    first.body["callTime"] = "不久以前"
    done = await run(caller)
    assert (done["fetched"], done["differing"]) == (1, 1)
    (open_,) = (await shown(caller))["differences"]
    assert (open_["source_no"], open_["kind"], open_["ticket_no"]) == (first.number, "missing_here", "")


async def test_a_state_that_differs_is_listed_until_a_person_settles_it(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345())
    peer = compared(caller, play, monkeypatch)
    first, second = peer.ledger.values()
    first.standing = "closed"
    del peer.ledger[second.number]
    await worked(caller, first, ("accept", {}), ("resolve", RESULT))
    await Courier(caller, play, monkeypatch).deliver()
    first.standing = "recalled"
    assert (await run(caller))["differing"] == 2
    listed = {one["kind"]: one for one in (await shown(caller))["differences"]}
    assert (listed["state"]["theirs"], listed["state"]["ours"]) == ("recalled", "resolved")
    assert listed["missing_there"]["source_no"] == second.number
    path = f"/api/v1/reconciliation/{listed['state']['id']}/settle"
    assert (await caller.post(path, {"note": " "})).fields == ["note"]
    settled = await caller.post(path, {"note": "平台误撤，已电话恢复"})
    assert (settled.status, settled.body["settled_by"]) == (200, "administrator")
    assert (await caller.post(path, {"note": "再次"})).status == 404
    assert (await shown(caller))["channels"][0]["open"] == 1
    await run(caller)
    assert [one["kind"] for one in (await shown(caller))["differences"]] == ["missing_there"]


async def test_what_is_still_on_its_way_is_no_difference(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345())
    compared(caller, play, monkeypatch)
    entry = next(iter(play.peers["12345"].ledger.values()))
    await worked(caller, entry, ("accept", {}))
    assert (await run(caller))["differing"] == 0
    assert await status(caller, entry) is Status.ACCEPTED


async def test_a_platform_that_cannot_be_asked_is_asked_again_and_nothing_is_settled(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345())
    peer = compared(caller, play, monkeypatch)
    first = next(iter(peer.ledger.values()))
    first.standing = "closed"
    assert (await run(caller))["differing"] == 1
    await peer.stop()
    failed = await run(caller)
    assert "连接平台失败" in failed["error"]
    seen = await shown(caller)
    assert (seen["channels"][0]["open"], seen["channels"][0]["last_run"]["error"]) == (1, failed["error"])


async def test_the_night_comes_once_among_all_processes_and_again_after_a_failure(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345())
    peer = compared(caller, play, monkeypatch)
    house, now = caller.house, caller.house.now()
    outage = asyncio.create_task(peer.outage(3600, "503"))
    await asyncio.sleep(0)
    await reconcile_due(house, now)
    assert (await house.store.reconciliation.last_runs())["12345"].error
    outage.cancel()
    await asyncio.gather(outage, return_exceptions=True)
    await reconcile_due(house, now)
    assert (await house.store.reconciliation.last_runs())["12345"].error, "this hour's try is spent"
    later = now + timedelta(hours=1)
    await reconcile_due(house, later)
    last = (await house.store.reconciliation.last_runs())["12345"]
    assert (last.error, last.theirs) == ("", 2)
    await reconcile_due(house, later + timedelta(minutes=1))
    assert (await house.store.reconciliation.last_runs())["12345"].at == last.at


async def test_a_list_of_many_pages_is_read_to_its_end(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345(silent=1))
    peer = compared(caller, play, monkeypatch)
    body = next(iter(peer.ledger.values())).body
    for number in range(PAGE + 5):
        peer.entry(f"OVER{number}", body | {"orderNum": f"OVER{number}"}).standing = "closed"
    done = await run(caller)
    assert (done["theirs"], done["fetched"]) == (PAGE + 7, 2)
    assert KEYS["12345"] and peer.unsigned == 0


async def test_who_may_look_and_what_cannot_be_asked(caller: Caller) -> None:
    brigade = await caller.new_token("brigade", "brigade-1")
    operator = await caller.new_token("operator")
    assert (await caller.get("/api/v1/reconciliation", brigade)).status == 403
    assert (await caller.get("/api/v1/reconciliation", operator)).body == {
        "channels": [],
        "fetches": [],
        "differences": [],
        "next_before": None,
    }
    assert (await caller.post("/api/v1/reconciliation/run", {"channel": "12345"}, operator)).status == 403
    assert (await caller.post("/api/v1/reconciliation/run", {"channel": "12345"})).fields == ["channel"]
    assert (await caller.post("/api/v1/reconciliation/x/settle", {"note": "?"})).status == 404


def test_a_ledger_needs_a_channel_and_a_format(caller: Caller) -> None:
    channels = caller.house.settings.channels
    unlisted = {**channels, "12319": channels["12319"].model_copy(update={"listing": None})}
    url = "https://platform.example/ledger"
    exchange = ExchangeSettings.model_validate(
        {"ledgers": {code: {"url": url} for code in ("12345", "12319", "12399")}}
    )
    assert [where for where, _ in check_exchange(exchange, unlisted, ())] == [
        ("exchange", "ledgers", "12319"),
        ("exchange", "ledgers", "12399"),
    ]
    folders = ExchangeSettings.model_validate({"folders": {code: {"path": "in"} for code in ("12345", "12319")}})
    assert [where for where, _ in check_exchange(folders, unlisted, {"12345"})] == [("exchange", "folders", "12319")]
