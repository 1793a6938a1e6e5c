"""Finding tickets: by parts of texts, numbers and phones, on both databases; what was sent again; pages; what is not kept."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import town
from parts import drafted, take
from sealing_keys import KEYRING
from sqlalchemy import text

from domain.complaint import Place, Reporter
from domain.event import Event
from domain.outcome import Outcome
from domain.ticket import Status
from storage.grams import grams, squeezed
from storage.search import AT_ONCE, NEWEST, TooShort
from storage.store import Store
from storage.tickets import TicketFilter

NOW = town.MONDAY
_numbers = itertools.count(1)


def draft(content: str, **more: Any) -> Outcome:
    return drafted(f"GD{next(_numbers):08d}", content=content, **{"title": "", "reporter": Reporter(), **more})


async def taken(store: Store, *drafts: Outcome) -> list[str]:
    receipts = await take(store, *drafts)
    await store.search.catch_up()
    return [one.ticket.no for one in receipts]


async def found(store: Store, query: str, wanted: TicketFilter | None = None) -> list[str]:
    return [one.ticket_no for one in (await store.search.find(query, wanted)).items]


def test_the_pieces_of_a_part_are_among_those_of_the_whole() -> None:
    whole = squeezed("凤凰大道 １２３４５号，夜里（AbC-77）还在施工！")
    assert whole == "凤凰大道12345号夜里abc77还在施工"
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            assert grams(whole[start:end]) <= grams(whole)


async def test_any_part_of_a_text_is_found_and_nothing_else(store: Store) -> None:
    first, second, third = await taken(
        store,
        draft("凤凰大道 88 号烧烤店油烟太大，晚上睡不着"),
        draft("双塘村河道有人倾倒垃圾", place=Place(address="双塘村，３组")),
        draft("油烟机店占道；烟油味", party="顺风烧烤（一店）"),
    )
    assert await found(store, "油烟") == [third, first]
    assert await found(store, "油烟太大") == [first]
    assert await found(store, "烧烤店 睡不着") == [first]
    assert await found(store, "大道88号") == [first], "spaces and punctuation do not count"
    assert await found(store, "双塘村3组") == [second], "nor does the width of figures"
    assert await found(store, "烧烤一店") == [third]
    assert await found(store, "烟太油") == [], "all pieces but not the words"
    assert await found(store, "大晚 烧店") == []


async def test_numbers_are_found_whole_and_in_part(store: Store) -> None:
    one, two = await taken(store, draft("路灯不亮"), draft("井盖破损"))
    assert await found(store, one) == [one]
    assert await found(store, one.lower()) == [one]
    assert await found(store, one[-8:]) == [one]
    ticket = await store.tickets.get(two)
    assert ticket is not None
    assert await found(store, ticket.complaint.source_no) == [two]
    assert await found(store, ticket.complaint.source_no[-6:]) == [two]


async def test_a_ticket_of_this_second_is_found_by_its_number(store: Store) -> None:
    receipts = await take(store, draft("刚刚来电", reporter=Reporter(phone="13800000077")))
    no = receipts[0].ticket.no
    assert await found(store, no) == [no]
    assert await found(store, "138 0000 0077".replace(" ", "")) == [no]
    assert await found(store, "刚刚来电") == [], "the index is a little behind"
    await store.search.catch_up()
    assert await found(store, "刚刚来电") == [no]


async def test_phones_are_found_by_the_whole_number_and_by_its_end(store: Store) -> None:
    calls = [
        draft("噪音", reporter=Reporter(name="张某", phone="13800001234")),
        draft("门牌1234号", reporter=Reporter(phone="13900000000")),
        draft("再次来电", reporter=Reporter(phone="13800001234")),
        draft("座机", reporter=Reporter(contact="0512-58001235")),
    ]
    first, second, third, fourth = await taken(store, *calls)
    assert await found(store, "13800001234") == [third, first]
    assert await found(store, "1234") == [third, second, first]
    assert await found(store, "1234 噪音") == [first]
    assert await found(store, "1235") == [fourth]
    assert await found(store, "0512-58001235") == [fourth]
    assert await found(store, "张某") == [], "names are not in the index"
    assert await found(store, "3800001") == [], "a part of a number tells nothing"


async def test_phones_are_not_found_for_those_who_may_not_ask(store: Store) -> None:
    """What stands in a text is found all the same."""
    caller = Reporter(phone="13800001234", contact="0512-58001235")
    no, door = await taken(store, draft("噪音", reporter=caller), draft("门牌1234号", reporter=caller))
    for query, expected in (("13800001234", []), ("1234", [door]), ("1235", []), ("1234 噪音", []), ("噪音", [no])):
        page = await store.search.find(query, by_phone=False)
        assert [one.ticket_no for one in page.items] == expected, query


async def test_what_is_masked_for_a_unit_cannot_be_found_out_bit_by_bit(store: Store) -> None:
    text = "凤凰大道占道，我叫张某某，联系我 138 0000 5678，门牌4321号"
    no = (await taken(store, draft(text, reporter=Reporter(name="张某某", confidential=True))))[0]
    for query in ("13800005678", "00005", "0056", "567", "张某某"):
        assert await found(store, query) == [no], query
        assert (await store.search.find(query, by_phone=False)).items == [], query
    for query in ("凤凰大道占道", "4321", "138"):
        assert [one.ticket_no for one in (await store.search.find(query, by_phone=False)).items] == [no], query


@pytest.mark.parametrize("newest", [NEWEST, 4])
async def test_filters_narrow_and_pages_follow_each_other(
    store: Store, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.search.NEWEST", newest)  # the newest tickets alone, then all others
    numbers = await taken(
        store,
        *(draft(f"第{one}件占道经营", confidence=0.1 if one % 2 else 0.9) for one in range(25)),
    )
    wanted = TicketFilter(statuses=(Status.TRIAGE,))
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.search.find("占道经营", wanted, cursor=cursor, limit=5)
        assert len(page.items) <= 5
        seen += [one.ticket_no for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [no for place, no in enumerate(numbers) if place % 2][::-1]
    with pytest.raises(ValueError, match="cursor"):
        await store.search.find("占道", cursor="made-up")
    assert await found(store, "占道经营", TicketFilter(created_from=NOW + timedelta(days=1))) == []


async def test_what_was_sent_again_differently_is_found_by_both(store: Store) -> None:
    first = draft("原来写的是路灯")
    no = (await taken(store, first))[0]
    other = replace(
        first, ticket=replace(first.ticket, complaint=replace(first.ticket.complaint, content="现在说的是井盖"))
    )

    def again(old: object, new: Outcome) -> Outcome:
        return Outcome(old, (Event("sent_differently", NOW, "channel:12345", "channel"),))  # type: ignore[arg-type]

    await store.take([other], channel="12345", nonce=None, seen_at=NOW, again=again)  # type: ignore[arg-type]
    await store.search.catch_up()
    assert await found(store, "说的是井盖") == [no]
    assert await found(store, "写的是路灯") == [no]
    assert await found(store, "的是") == [no], "once, though both sendings hold it"


@pytest.mark.parametrize("query", ["", " ", "路", "ab", "12", "！！", "？ 路 a1", '"', "'", "%", "*"])
async def test_what_is_too_short_is_said_to_be(store: Store, query: str) -> None:
    await taken(store, draft("路面破损"))
    with pytest.raises(TooShort):
        await store.search.find(query)


@pytest.mark.parametrize(
    "query",
    ['路面" OR "破损', "路面 NOT 破损", "路面*", "路面%' --", "grams:路面", "路\x00面破", "（路面）^", "💥路面💥"],
)
async def test_no_query_is_taken_for_a_command(store: Store, query: str) -> None:
    no = (await taken(store, draft("路面破损 or not, grams")))[0]
    assert await found(store, query) in ([], [no])


async def test_the_index_catches_up_over_many_events(store: Store) -> None:
    await take(store, *(draft(f"编号{one:04d}的事") for one in range(AT_ONCE + 30)))
    assert await store.search.follow(), "there is more to follow"
    assert not await store.search.follow()
    assert not await store.search.follow()
    for place in (0, AT_ONCE - 1, AT_ONCE, AT_ONCE + 29):
        assert len(await found(store, f"编号{place:04d}的事")) == 1


async def test_the_index_holds_neither_numbers_nor_names(sqlite_database_url: str) -> None:
    store = await Store.open(sqlite_database_url, KEYRING)
    try:
        await taken(store, draft("噪音", reporter=Reporter(name="王发明", phone="13800005678")))
        async with store.search._engine.connect() as connection:
            blocks = (await connection.execute(text("SELECT block FROM search_grams_data"))).scalars().all()
    finally:
        await store.close()
    written = b"".join(bytes(one) for one in blocks)
    assert store.search._kept("噪音").encode() in written
    assert "噪音".encode() not in written
    assert b"380" not in written and b"800" not in written and "发明".encode() not in written
