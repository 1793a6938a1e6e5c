"""Callers of one event loop share the engine fairly; what is counted is turns of the loop, never time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import small_corpus

from domain.understanding import Evidence, Understanding
from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.turns import LEAST_OF_A_CALL, LEAST_OF_A_TEXT, MOST_IN_A_TURN, Asked, Turns, cost_of

STALLS = "恬庄菜场门口三轮车占道卖菜，流动摊贩堵住人行道"


def asked(text: str, times: int = 1) -> list[Asked]:
    return [(text, Evidence())] * times


async def test_between_the_parts_of_a_long_call_others_have_their_turn(small_engine: EmbeddedEngine) -> None:
    rows = small_corpus.rows()
    texts = [(row.text, Evidence()) for row in rows] * (6_400 // len(rows))
    turns_at_least = sum(cost_of(text) for text, _ in texts) // MOST_IN_A_TURN
    turned = 0

    async def others() -> None:
        nonlocal turned
        while True:
            await asyncio.sleep(0)
            turned += 1

    turning = asyncio.create_task(others())
    long = asyncio.create_task(small_engine.understand(texts))
    await asyncio.sleep(0)
    short = await small_engine.understand(asked(STALLS))
    assert short[0].category.code == "C0101"
    assert not long.done(), "a short call waits for a part of a long one, not for all of it"
    answers = await long
    turning.cancel()
    assert turned >= turns_at_least > 20
    assert [one.category.code for one in answers] == [row.label for row in rows] * (6_400 // len(rows))


class Recorded:
    """An engine's batch answering, with a record of what it was asked at once."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self.asked: list[list[str]] = []

    def answer(self, texts: Sequence[Asked]) -> list[Understanding]:
        self.asked.append([text for text, _ in texts])
        if any("坏" in text for text, _ in texts):
            raise ValueError("no such text")
        return self._engine.understand_now(texts)


async def test_a_turn_is_bounded_however_many_call_and_whatever_they_send(small_engine: EmbeddedEngine) -> None:
    recorded = Recorded(small_engine)
    turns = Turns(recorded.answer)
    sent = [asked(STALLS, 300), asked("违" * 5_000, 4), asked("", 90), [], *(asked(STALLS) for _ in range(700))]
    answers = await asyncio.gather(*map(turns.ask, sent))
    assert [len(one) for one in answers] == [len(one) for one in sent]
    longest = cost_of("违" * 5_000)
    spent = [sum(map(cost_of, texts)) for texts in recorded.asked]
    assert max(spent) < MOST_IN_A_TURN + longest
    assert sum(spent) == sum(cost_of(text) for one in sent for text, _ in one)
    assert recorded.asked[0].count(STALLS) >= LEAST_OF_A_CALL // LEAST_OF_A_TEXT, "short callers are answered together"


async def test_a_text_that_cannot_be_read_fails_its_own_caller_only(small_engine: EmbeddedEngine) -> None:
    turns = Turns(Recorded(small_engine).answer)
    good, bad, later = await asyncio.gather(
        turns.ask(asked(STALLS, 2)), turns.ask(asked("坏")), turns.ask(asked(STALLS)), return_exceptions=True
    )
    assert isinstance(bad, ValueError)
    assert [len(one) for one in (good, later) if isinstance(one, list)] == [2, 1]
    with pytest.raises(ValueError, match="no such text"):
        await turns.ask(asked("坏"))


async def test_a_caller_who_has_gone_away_costs_nothing_more(small_engine: EmbeddedEngine) -> None:
    recorded = Recorded(small_engine)
    turns = Turns(recorded.answer)
    leaving = asyncio.ensure_future(turns.ask(asked(STALLS, 1_000)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    assert len(await turns.ask(asked(STALLS))) == 1
    assert sum(map(len, recorded.asked)) < 400
