"""The dialogue is kept: a repeat is harmless, a crash or a second process neither loses a turn nor opens two tickets."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from conversation.played_scripts import BEGINS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service import ROOT

from domain.category import CategoryTree
from domain.complaint import Point, Reporter
from domain.people import Actor, Role
from domain.ticket import Ticket
from intake_bot.api.views import supplement_view
from intake_bot.conversation import dialogue
from intake_bot.conversation.dialogue import SILENCE, converse, digest, forget_old, history, summary
from intake_bot.conversation.telling import Done
from intake_bot.conversation.turns import Person, Turn
from intake_bot.house import House, open_house
from intake_bot.settings import Deployment
from nlu.embedded.engine import EmbeddedEngine
from storage.conversations import StoredTurn
from storage.tickets import TicketFilter

CITIZEN = Person("web", "a key nobody else has")
STORY = ("恬庄街5号饭店油烟直排，每天中午都是，电话13800000000", "没有")
"""All that is asked for: only 提交 is left."""


def turn(number: int, text: str = "", **more: object) -> Turn:
    return replace(Turn(f"turn-{number}", BEGINS + number * timedelta(seconds=30), text), **more)  # type: ignore[arg-type]


async def tickets(house: House) -> list[Ticket]:
    return await house.store.tickets.several(await house.store.tickets.numbers(TicketFilter()))


async def told(house: House, person: Person = CITIZEN) -> int:
    for number, text in enumerate(STORY, 1):
        await converse(house, person, turn(number, text))
    return len(STORY)


async def test_a_reload_shows_what_was_said_and_what_is_understood(house: House) -> None:
    await told(house)
    past = await history(house, CITIZEN)
    assert [one.turn.text for one in past] == list(STORY)
    assert past[-1].reply is not None
    assert past[-1].reply == await converse(house, CITIZEN, past[-1].turn)
    (card,) = await summary(house, CITIZEN)
    rows = {row.field: row for row in card.rows}
    assert (rows["place"].value, rows["place"].edit) == ("恬庄街5号", "edit:place")
    assert rows["phone"].value == "138****0000"
    assert await history(house, Person("wechat", CITIZEN.key)) == []


async def test_a_repeat_of_the_last_turn_opens_no_second_ticket(house: House) -> None:
    count = await told(house)
    submit = turn(count + 1, choice="submit")
    first = await converse(house, CITIZEN, submit)
    assert [await converse(house, CITIZEN, submit) for _ in range(3)] == [first] * 3
    assert len(await tickets(house)) == 1


async def test_urging_twice_with_the_same_turn_counts_once(house: House) -> None:
    count = await told(house)
    await converse(house, CITIZEN, turn(count + 1, choice="submit"))
    for _ in range(3):
        await converse(house, CITIZEN, turn(count + 2, "催一下"))
    assert (await tickets(house))[0].urges == 1


async def test_a_turn_needs_an_id(house: House) -> None:
    for wrong in ("", "x" * 65, "a\x00b", "号"):
        with pytest.raises(ValueError, match="id"):
            await converse(house, CITIZEN, replace(turn(1, "你好"), id=wrong))


async def test_turns_of_two_processes_at_once_are_all_answered(
    house: House, deployment: Deployment, tree: CategoryTree, engine: EmbeddedEngine
) -> None:
    """Two houses over one database answer the same person; the same submission reaches both, several times."""
    count = await told(house)
    async with open_house(deployment, tree, engine) as other:
        submits = [turn(count + 1, choice="submit")] * 3 + [turn(count + 2, choice="submit"), turn(count + 3, "谢谢")]
        replies = await asyncio.gather(
            *(converse(one, CITIZEN, each) for each in submits for one in (house, other)), return_exceptions=True
        )
        assert [one for one in replies if isinstance(one, BaseException)] == []
    assert len(await tickets(house)) == 1
    past = await history(house, CITIZEN)
    assert sorted(one.turn.id for one in past) == [f"turn-{number}" for number in range(1, count + 4)]
    assert all(one.reply is not None for one in past)
    same = {
        str(reply)
        for reply, each in zip(replies, [each for each in submits for _ in range(2)], strict=True)
        if each.id == f"turn-{count + 1}"
    }
    assert len(same) == 1


@pytest.mark.parametrize("moment", ["after_noting", "after_filing"])
async def test_a_kill_between_ticket_and_state_leaves_exactly_one_ticket(
    house: House, deployment: Deployment, tmp_path: Path, moment: str
) -> None:
    """A real process dies by SIGKILL; the next turn, in this one, finishes what it began."""
    count = await told(house)
    environment = {
        **os.environ,
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
    }
    with (tmp_path / "errors").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("dying_process.py")),
            moment,
            CITIZEN.key,
            str(count + 1),
            cwd=ROOT,
            env=environment,
            stderr=errors,
        )
        code = await asyncio.wait_for(process.wait(), 200)
    assert code == -9, (tmp_path / "errors").read_text(encoding="utf-8")[-2000:]
    assert len(await tickets(house)) == (1 if moment == "after_filing" else 0)
    assert (await history(house, CITIZEN))[-1].reply is None
    after = await converse(house, CITIZEN, turn(count + 2, "谢谢"))
    assert "不客气" in after.messages[0].text
    (ticket,) = await tickets(house)
    again = await converse(house, CITIZEN, turn(count + 1, choice="submit"))
    assert again.messages[0].ticket_no == ticket.no
    assert len(await tickets(house)) == 1
    assert [one.event.action for one in await house.store.tickets.events(ticket.no)] == ["received", "dispatched"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_a_dead_process_noted_is_done_without_another_word(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A danger that was noted must not wait for the person's next turn."""
    original = dialogue.do

    async def dying(*_: object) -> Done:
        raise KeyboardInterrupt

    monkeypatch.setattr(dialogue, "do", dying)
    with pytest.raises(KeyboardInterrupt):
        await converse(house, CITIZEN, turn(1, "恬庄街12号着火了"))
    monkeypatch.setattr(dialogue, "do", original)
    assert await tickets(house) == []
    await dialogue.finish_begun(house, turn(1).at + dialogue.ABANDONED / 2)
    assert await tickets(house) == [], "its own process may still be at it"
    for _ in range(2):
        await dialogue.finish_begun(house, turn(1).at + 2 * dialogue.ABANDONED)
        (ticket,) = await tickets(house)
    past = await history(house, CITIZEN)
    assert past[0].reply is not None
    assert past[0].reply.messages[-2].ticket_no == ticket.no


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_wechat_speaks_to_the_same_dialogue(house: House) -> None:
    person = Person("wechat", "openid-of-nobody")
    for number, text in enumerate((*STORY, "1"), 1):
        await converse(house, person, turn(number, text))
    (ticket,) = await tickets(house)
    assert (ticket.complaint.channel, ticket.complaint.way) == ("wechat", "公众号")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_an_older_version_wrote_begins_anew(house: House) -> None:
    await told(house)
    stored = await house.store.conversations.find(digest(CITIZEN))
    assert stored is not None
    strange = replace(stored, document='{"conversation": "x", "stage": "no such stage"}')
    await house.store.conversations.save(digest(CITIZEN), strange, StoredTurn("strange", BEGINS, "{}", None))
    reply = await converse(house, CITIZEN, turn(9, "你好"))
    assert "您好" in reply.messages[0].text


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_no_page_would_send_is_kept_within_bounds(house: House) -> None:
    sent = turn(1, "\ud800恬庄街5号饭店油烟直排\x00", choice="", photos=("../../etc/passwd", "a" * 65, "good-1"))
    await converse(house, CITIZEN, sent)
    (past,) = await history(house, CITIZEN)
    assert past.turn.photos == ("good-1",)
    assert past.turn.text == "恬庄街5号饭店油烟直排"
    await converse(house, CITIZEN, turn(2, "长" * 100_000))
    assert len((await history(house, CITIZEN))[-1].turn.text) < 5_000


async def test_the_desk_sees_what_was_added_and_a_unit_only_what_it_may(house: House) -> None:
    await converse(house, CITIZEN, turn(1, "恬庄街12号着火了"))
    await converse(house, CITIZEN, turn(2, "我叫测试甲，电话13800000000"))
    (ticket,) = await tickets(house)
    (added,) = await house.store.tickets.supplements(ticket.no)
    seen = supplement_view(ticket, added, Actor("o1", Role.OPERATOR))
    assert (seen["reporter"]["phone"], seen["source_version"]) == ("13800000000", 1)
    assert "13800000000" not in str(supplement_view(ticket, added, Actor("b1", Role.BRIGADE, "brigade-1")))
    secret = replace(ticket, complaint=replace(ticket.complaint, reporter=Reporter(confidential=True)))
    hidden = supplement_view(secret, added, Actor("b1", Role.BRIGADE, "brigade-1"))
    assert (hidden["reporter"]["name"], hidden["reporter"]["phone"]) == ("", "")


async def test_old_dialogues_are_forgotten_and_tickets_stay(house: House) -> None:
    count = await told(house)
    await converse(house, CITIZEN, turn(count + 1, choice="submit"))
    days = house.settings.conversation.keep_days
    await forget_old(house, BEGINS + timedelta(days=days - 1))
    assert len(await history(house, CITIZEN)) == count + 1
    await forget_old(house, BEGINS + timedelta(days=days + 1))
    assert await history(house, CITIZEN) == []
    assert len(await tickets(house)) == 1
    await told(house)
    await converse(house, CITIZEN, turn(count + 1, choice="submit"))
    assert len(await tickets(house)) == 2, "a new dialogue numbers its tickets anew, and they are its own"


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_nothing_kept_gives_the_key_away(house: House, sqlite_database_url: str) -> None:
    await told(house)
    stored = await house.store.conversations.find(digest(CITIZEN))
    assert stored is not None
    assert CITIZEN.key not in stored.document + stored.id + digest(CITIZEN)


SAYINGS = """
    你好 是 不 没有 算了 快点 人工 13800000000 123 恬庄街5号饭店油烟直排 恬庄村 昨天 提交 保密 匿名
    查进度 催一下 评价 解决了 满意 0000
    FH261124-00001 着火了 不想活了 医保报销怎么弄 几点上班 😡 补充一下，晚上更吵
    垃圾桶满了没人收。另外，隔壁店铺占道经营，桌椅摆到马路上
    不是凤凰村，是恬庄村 电话打错了 谢谢 1 2 请问
"""
WORDS = st.sampled_from(SAYINGS.split())
CODES = st.sampled_from(
    ["submit", "split", "edit:place", "edit:kind", "kind:report", "solved:no", "case:x", "rate", "ours"]
)
TURNS = st.lists(
    st.one_of(
        st.tuples(st.just("text"), WORDS),
        st.tuples(st.just("text"), st.text(st.characters(), max_size=30)),
        st.tuples(st.just("offered"), st.integers(0, 7)),
        st.tuples(st.just("choice"), CODES),
        st.tuples(st.just("photos"), st.integers(1, 3)),
        st.tuples(st.just("point"), st.just(0)),
    ),
    min_size=3,
    max_size=14,
)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=TURNS)
async def test_whatever_is_said_is_answered_and_no_draft_becomes_two_tickets(
    house: House, turns: list[tuple[str, object]]
) -> None:
    """Each example is another person; each turn is sent twice."""
    before = len(await tickets(house))
    person = Person("web", str(before) + str(turns))
    await house.store.conversations.forget(BEGINS + timedelta(days=1))
    offered: tuple[str, ...] = ()
    handed_in = 0
    for number, (how, what) in enumerate(turns, 1):
        sent = turn(number)
        if how == "text":
            sent = turn(number, str(what))
        elif how == "offered" and offered:
            sent = turn(number, choice=offered[int(str(what)) % len(offered)])
        elif how == "choice":
            sent = turn(number, choice=str(what))
        elif how == "photos":
            sent = turn(number, photos=tuple(f"p{number}-{one}" for one in range(int(str(what)))))
        elif how == "point":
            sent = turn(number, point=Point(120.62, 31.76))
        reply = await converse(house, person, sent)
        assert reply.messages
        assert all(one.text.strip() for one in reply.messages)
        assert await converse(house, person, sent) == reply
        offered = tuple(one.code for one in reply.choices)
        handed_in += sum("已登记，工单编号" in one.text or "已作为紧急事项" in one.text for one in reply.messages)
    new = (await tickets(house))[before:]
    assert len(new) == handed_in
    assert len({one.complaint.source_no for one in new}) == len(new)


async def test_silence_is_measured_in_hours(house: House) -> None:
    await converse(house, CITIZEN, turn(1, "恬庄街5号饭店油烟直排"))
    soon = await converse(house, CITIZEN, replace(turn(2, "每天中午"), at=BEGINS + SILENCE / 2))
    assert "又见面" not in soon.messages[0].text
