"""The simulated platforms as peers of a whole service: what they send arrives, what we report they check and keep."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from playing import ADAPTERS, KEYS, RESULT, Courier, Perform, of_12345, planned, status, worked
from service import Caller

from adapters.report import Report
from domain.ticket import Status
from intake_bot.simulation.bodies import signed
from intake_bot.simulation.manners import MANNERS
from intake_bot.simulation.scenario import (
    BadScenario,
    Outage,
    PlatformScenario,
    Scenario,
    Slow,
    read_scenario,
)

# apprise imports a module that Python 3.13 no longer has, where it is still there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def database_kind() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


def test_a_plan_follows_from_its_seed_alone() -> None:
    habits = PlatformScenario(repeats=0.2, late=0.2, disordered=0.1, urges=0.3, asks=0.2, recalls=0.1, again=0.3)
    scenario = Scenario(seconds=20, rate=10, others=habits)
    first = [(one.at, one.channel, one.number, one.said, one.repeated) for one in planned(scenario)]
    assert first == [(one.at, one.channel, one.number, one.said, one.repeated) for one in planned(scenario)]
    assert first != [(one.at, one.channel, one.number, one.said, one.repeated) for one in planned(scenario, seed=8)]
    assert [one[0] for one in first] == sorted(one[0] for one in first)
    assert {one[1] for one in first} == set(ADAPTERS)
    assert {str(one[3]) for one in first} == {"None", "urged", "progress_asked", "recalled"}
    assert any(one.body["orderNum"].endswith("-01") for one in planned(scenario) if one.channel == "12345")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("rate: fast", "rate 应为数字"),
        ("tempo: 3", "tempo 不认识的字段"),
        ("platforms: {12399: {}}", "12399"),
        ("others: {down: [{from: 5, to: 3}]}", "to 应晚于 from"),
        (": [", "YAML"),
    ],
)
def test_a_scenario_that_cannot_be_played_says_why(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "scenario.yml"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(BadScenario, match=said):
        read_scenario(file, list(ADAPTERS))
    with pytest.raises(BadScenario, match="读不到"):
        read_scenario(tmp_path / "absent.yml", list(ADAPTERS))


def test_a_scenario_in_which_nobody_sends_is_refused() -> None:
    with pytest.raises(BadScenario, match="weight"):
        planned(Scenario(others=PlatformScenario(weight=0)))


async def test_every_manner_at_once_leaves_both_sides_agreeing(caller: Caller, perform: Perform) -> None:
    habits = PlatformScenario(repeats=0.2, late=0.2, disordered=0.2, urges=0.3, asks=0.3, recalls=0.2, again=0.2)
    play = await perform(Scenario(seconds=1.5, rate=20, others=habits))
    assert play.account.contradictions == 0
    assert all(not outcome.startswith("no answer") for one in play.account.outcomes.values() for outcome in one)
    assert play.account.messages["urged applied"] >= 3 and play.account.messages["recalled applied"] >= 1
    entries = [one for peer in play.peers.values() for one in peer.ledger.values()]
    assert entries and all(one.ticket_no for one in entries)
    recalled = [one for one in entries if one.standing == "recalled"]
    assert recalled
    for one in recalled:
        assert await status(caller, one) in {Status.CLOSED, Status.DISPATCHED, Status.TRIAGE, Status.TRANSFERRED}
    assert (await caller.house.store.verify_chain()).intact


async def test_what_came_before_its_ticket_arrives_in_the_end(caller: Caller, perform: Perform) -> None:
    play = await perform(of_12345(disordered=1))
    assert dict(play.account.messages) == {"urged applied": 2}
    for entry in play.peers["12345"].ledger.values():
        ticket = await caller.house.store.tickets.get(entry.ticket_no)
        assert ticket is not None and ticket.urges == 1


async def test_what_we_report_stands_in_their_ledger(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345())
    peer = play.peers["12345"]
    first, second = peer.ledger.values()
    await worked(caller, first, ("accept", {}), ("contact", {}), ("resolve", RESULT))
    await worked(caller, second, ("accept", {}))
    await Courier(caller, play, monkeypatch).deliver()
    assert (first.standing, second.standing) == ("resolved", "handling")
    assert [one["orderState"] for one in first.reports.values()] == ["30", "31", "60"]
    assert first.refused == second.refused == []
    assert (peer.unsigned, peer.unknown, peer.repeats) == (0, 0, 0)


@pytest.mark.parametrize("how", ["503", "refuse"])
async def test_a_platform_that_was_down_hears_of_it_later_and_once(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    play = await perform(of_12345())
    peer = play.peers["12345"]
    entry = next(iter(peer.ledger.values()))
    await worked(caller, entry, ("accept", {}))
    courier = Courier(caller, play, monkeypatch)
    outage = asyncio.create_task(peer.outage(3600, how))  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    await courier.deliver()
    assert entry.reports == {} and (await caller.house.store.outbox.counts())["waiting"] == 1
    outage.cancel()
    await asyncio.gather(outage, return_exceptions=True)
    courier.later(timedelta(minutes=2))
    await courier.deliver()
    assert [one["orderState"] for one in entry.reports.values()] == ["30"]
    assert (await caller.house.store.outbox.counts())["waiting"] == 0


async def test_a_platform_that_answers_too_slowly_has_it_twice_under_one_key(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345(slow=Slow(share=1, seconds=1.5)))
    peer = play.peers["12345"]
    entry = next(iter(peer.ledger.values()))
    await worked(caller, entry, ("accept", {}))
    courier = Courier(caller, play, monkeypatch, timeout=1)
    await courier.deliver()
    assert (await caller.house.store.outbox.counts())["waiting"] == 1
    await asyncio.sleep(1)  # it works on, though nobody waits any more
    peer.habits = PlatformScenario()
    courier.later(timedelta(minutes=2))
    await courier.deliver()
    assert (await caller.house.store.outbox.counts())["waiting"] == 0
    assert len(entry.reports) == 1


async def test_a_reply_that_is_turned_down_comes_back_to_work(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = await perform(of_12345(rejects=1))
    peer = play.peers["12345"]
    entry = next(iter(peer.ledger.values()))
    await worked(caller, entry, ("accept", {}), ("resolve", RESULT))
    await Courier(caller, play, monkeypatch).deliver()
    assert (entry.standing, await status(caller, entry)) == ("handling", Status.ACCEPTED)
    assert entry.refused == ["答复不规范，请补充办理过程和结果后重新回复"]


@pytest.mark.parametrize(("refuses", "extended"), [(1.0, 0), (0.0, 2)])
async def test_an_extension_is_decided_by_the_platform_after_our_report(
    caller: Caller, perform: Perform, monkeypatch: pytest.MonkeyPatch, refuses: float, extended: int
) -> None:
    scenario = of_12345(refuses_extensions=refuses)
    play = await perform(scenario)
    entry = next(iter(play.peers["12345"].ledger.values()))
    await worked(caller, entry, ("accept", {}), ("extend", {"working_days": 2, "reason": "需要等待鉴定机构的结果"}))
    await Courier(caller, play, monkeypatch).deliver()
    await play.perform([])
    assert await status(caller, entry) is Status.ACCEPTED
    ticket = await caller.house.store.tickets.get(entry.ticket_no)
    assert ticket is not None and ticket.lead is not None
    assert max(one.extended_by for one in ticket.lead.clocks) == extended


async def test_a_withheld_ticket_stands_only_in_the_ledger(caller: Caller, perform: Perform) -> None:
    play = await perform(of_12345(silent=1))
    assert [one.ticket_no for one in play.peers["12345"].ledger.values()] == ["", ""]
    assert play.account.outcomes == {}


@pytest.mark.parametrize("code", list(ADAPTERS))
async def test_what_the_adapter_words_is_what_its_platform_wants(caller: Caller, code: str) -> None:
    """Two descriptions of one interface, written apart."""
    channel, manners = caller.house.channels[code], MANNERS[ADAPTERS[code]]
    for action in ("accepted", "contacted", "extension_asked", "extended", "resolved", "closed", "merged"):
        for text in ("已劝离", "长" * 5_000):
            report = Report("FH1", "A1", action, caller.house.now(), unit_name="一大队", text=text, working_days=2)
            told = channel.report(report)
            assert told is None or manners.problem(told) == "", action
    for word in manners.words.values():
        body = manners.message("M1", word, "理由")
        assert channel.message(str(body).replace("'", '"').encode()).number == "M1"


@pytest.mark.parametrize("code", list(ADAPTERS))
def test_a_platform_refuses_what_it_cannot_use(code: str) -> None:
    manners = MANNERS[ADAPTERS[code]]
    resolved = next(one for one, standing in manners.states.items() if standing == "resolved")
    good = dict.fromkeys(manners.required, "x") | {manners.state: resolved, manners.text: "已劝离"}
    assert manners.problem(good) == ""
    for wrong in (
        good | {manners.required[0]: ""},
        good | {manners.state: "no such state"},
        good | {manners.text: ""},
        good | {manners.text: "长" * (manners.longest + 1)},
    ):
        assert manners.problem(wrong), wrong
        status_code, body = manners.answer(manners.problem(wrong))
        assert status_code in {200, 422} and body


async def test_an_unsigned_report_and_one_of_an_unknown_ticket(perform: Perform) -> None:
    play = await perform(of_12345())
    peer = play.peers["12345"]
    address = f"http://127.0.0.1:{peer.port}/feedback"
    async with aiohttp.ClientSession() as session, session.post(address, json={"orderNum": "?"}) as answer:
        assert answer.status == 401
    assert (peer.unsigned, peer.unknown) == (1, 0)
    content, headers = signed(KEYS["12345"], {"orderNum": "NOBODY-KNOWS"})
    async with aiohttp.ClientSession() as session, session.post(address, data=content, headers=headers) as answer:
        assert (await answer.json())["code"] == "400"
    assert (peer.unsigned, peer.unknown) == (1, 1)


def test_an_outage_ends_after_it_begins() -> None:
    assert Outage.model_validate({"from": 1, "to": 2}).how == "503"
