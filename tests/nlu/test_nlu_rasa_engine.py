"""The Rasa engine against a real HTTP peer that answers well, late, wrongly, by halves or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import rasa_peer
import small_corpus
from aiohttp import web
from rasa_peer import RasaPeer, body, half_a_body, late, ranking, running_peer

from domain.complaint import Code
from domain.understanding import Engine, Evidence, Understanding
from nlu.embedded.engine import EmbeddedEngine
from nlu.rasa_engine import RasaEngine, RasaSettings
from nlu.rasa_server import free_port, open_rasa

MARKET = "恬庄的小贩在人行道上摆摊卖水果，实在受不了了"  # the small embedded model says C0101; the peer always J0301


@pytest.fixture
async def peer() -> AsyncIterator[RasaPeer]:
    async with running_peer() as one:
        yield one


def settings(peer: RasaPeer, timeout: float = 5.0, connections: int = 4, longest: int = 600) -> RasaSettings:
    return RasaSettings(peer.url, rasa_peer.TOKEN, timeout, connections, longest)


async def ask(engine: Engine, text: str, evidence: Evidence | None = None) -> Understanding:
    return (await engine.understand([(text, evidence or Evidence())]))[0]


async def test_the_category_is_rasas_and_everything_else_ours(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    ours = await ask(small_engine, MARKET + "，电话13800000000")
    assert ours.category.code == "C0101"
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer)) as engine:
        found = await ask(engine, MARKET + "，电话13800000000")
        assert (found.engine, found.version) == ("rasa", "2026-11-24-rasa")
        assert (engine.name, engine.version) == ("rasa", "2026-11-24-rasa")
        assert (found.category.code, found.category.name) == ("J0301", "施工噪声")
        assert found.confidence == found.category.confidence == pytest.approx(0.9)
        assert [one.code for one in found.runners_up] == ["C0101", "C0705"]
        assert found.words == (), "the embedded engine's words spoke for another category"
        assert found.kind == ours.kind
        assert found.places == ours.places != ()
        assert found.personal_numbers == ours.personal_numbers != ()
        assert engine.counts == {"rasa": 1}


async def test_words_are_kept_where_both_engines_agree(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    peer.behaviour = body(json.dumps(ranking([("C0101", 0.8), ("J0301", 0.1)])).encode())
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer)) as engine:
        assert (await ask(engine, MARKET)).words == (await ask(small_engine, MARKET)).words != ()


async def test_a_platforms_code_is_weighed_with_rasas_ranking(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    peer.behaviour = body(json.dumps(ranking([("C0101", 0.5), ("J0301", 0.45)])).encode())
    noise = Evidence(codes=(Code("gbt47678.5", "", "06028"),))
    unknown = Evidence(codes=(Code("gbt47678.5", "", "99999"),))
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer)) as engine:
        assert (await ask(engine, MARKET)).category.code == "C0101"
        claimed = await ask(engine, MARKET, noise)
        assert claimed.category.code == "J0301"
        assert 0.9 < claimed.confidence < 1
        assert (await ask(engine, MARKET, unknown)).category.code == "C0101"


WRONG = {
    "an error": (body(b"{}", 500), "status"),
    "a refusal": (body(b"{}", 404), "status"),
    "a redirect": (body(b"{}", 302), "status"),
    "half a body": (half_a_body, "connection"),
    "no JSON": (body(b"<html>"), "garbage"),
    "not UTF-8": (body(b"\xff\xfe\x00"), "garbage"),
    "deep JSON": (body(b"[" * 200_000), "garbage"),
    "another shape": (body(b"[1, 2]"), "garbage"),
    "no ranking": (body(b'{"intent": {"name": "J0301"}}'), "garbage"),
    "an empty ranking": (body(b'{"intent_ranking": []}'), "garbage"),
    "a ranking of numbers": (body(b'{"intent_ranking": [1, 2]}'), "garbage"),
    "no number": (body(b'{"intent_ranking": [{"name": "J0301", "confidence": NaN}]}'), "garbage"),
    "a strange number": (body(b'{"intent_ranking": [{"name": "J0301", "confidence": 7}]}'), "garbage"),
    "foreign intents": (body(json.dumps(ranking([("greet", 0.99)])).encode()), "garbage"),
    "too much": (body(b" " * 3_000_000), "garbage"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_whatever_rasa_answers_wrongly_the_embedded_engine_answers(
    name: str, peer: RasaPeer, small_engine: EmbeddedEngine
) -> None:
    peer.behaviour, reason = WRONG[name]
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer)) as engine:
        assert await ask(engine, MARKET) == await ask(small_engine, MARKET)
        assert engine.counts == {reason: 1}
        assert not engine.is_answering


async def test_a_late_answer_is_not_waited_for_and_rasa_is_left_alone_then(
    peer: RasaPeer, small_engine: EmbeddedEngine
) -> None:
    peer.behaviour = late(60)
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer, timeout=0.3)) as engine:
        async with asyncio.timeout(30):
            assert (await ask(engine, MARKET)).engine == "embedded"
            assert (await ask(engine, MARKET)).engine == "embedded"
        assert engine.counts == {"timeout": 1, "waiting": 1}
        assert len(peer.texts) == 1, "the second text did not go to the server that hangs"


async def test_rasa_answers_again_after_the_wait_with_the_version_it_has_then(
    peer: RasaPeer, small_engine: EmbeddedEngine
) -> None:
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer)) as engine:
        assert (await ask(engine, MARKET)).version == "2026-11-24-rasa"
        peer.behaviour = body(b"{}", 503)
        assert (await ask(engine, MARKET)).engine == "embedded"
        peer.behaviour, peer.model_file = rasa_peer.well, "models/2026-11-25-rasa.tar.gz"
        async with asyncio.timeout(30):
            while (found := await ask(engine, MARKET)).engine != "rasa":
                await asyncio.sleep(0.05)
        assert found.version == "2026-11-25-rasa"
        assert engine.is_answering
        assert engine.counts["rasa"] == 2
        assert engine.counts["status"] == 1


async def test_nobody_listens(small_engine: EmbeddedEngine) -> None:
    nowhere = RasaSettings(url=f"http://127.0.0.1:{free_port()}")
    async with open_rasa(small_engine, small_corpus.tree(), nowhere) as engine:
        assert (await ask(engine, MARKET)).engine == "embedded"
        assert engine.counts == {"connection": 1}


async def test_a_wrong_token_is_a_failure_like_others(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    async with open_rasa(small_engine, small_corpus.tree(), RasaSettings(peer.url, "another")) as engine:
        assert (await ask(engine, MARKET)).engine == "embedded"
        assert engine.counts == {"status": 1}


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://[", "http://\x00/"]
)
async def test_an_impossible_address_raises_nothing(url: str, small_engine: EmbeddedEngine) -> None:
    async with open_rasa(small_engine, small_corpus.tree(), RasaSettings(url or " ")) as engine:
        assert (await ask(engine, MARKET)).engine == "embedded"
        assert engine.counts == {"connection": 1}


async def test_many_texts_go_by_a_bounded_number_of_connections_and_keep_their_order(
    peer: RasaPeer, small_engine: EmbeddedEngine
) -> None:
    async def by_text(request: web.Request) -> web.StreamResponse:
        number = int((await request.json())["text"].count("井"))
        await asyncio.sleep(0.002 * (5 - number))
        return web.json_response(ranking([(list(small_corpus.LEAVES)[number % 4], 0.9)]))

    peer.behaviour = by_text
    texts = [("盖" + "井" * (at % 4), Evidence()) for at in range(60)]
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer, 30.0, connections=3)) as engine:
        found = await engine.understand(texts)
    assert [one.category.code for one in found] == [list(small_corpus.LEAVES)[at % 4] for at in range(60)]
    assert peer.most_at_once == 3
    assert await engine.understand([]) == []


async def test_a_crowd_that_must_queue_is_not_held_against_rasa(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    peer.behaviour = late(0.3)
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer, timeout=1.0, connections=1)) as engine:
        async with asyncio.timeout(30):
            found = await engine.understand([(MARKET, Evidence())] * 20)
        assert engine.counts["busy"] > 0
        assert engine.counts["rasa"] > 0
        assert engine.counts["busy"] + engine.counts["rasa"] == 20
        assert {one.engine for one in found} == {"rasa", "embedded"}
        assert engine.is_answering


STRANGE = [
    "",
    " \n\t",
    "\x00\x01\x1b",
    "\ud800\udfff",
    "🙂" * 50,
    "/J0301",
    '/J0301{"a": 1}',
    "[施工](noise)",
    "施",
    "a" * 100_000,
]


@pytest.mark.parametrize("text", STRANGE)
async def test_any_text_is_understood(text: str, peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer, longest=100)) as engine:
        found = await ask(engine, text)
        assert found.engine == ("rasa" if peer.texts else "embedded")
        assert sum(engine.counts.values()) == 1
    for shown in peer.texts:
        assert 0 < len(shown) <= 100
        assert not shown.startswith("/"), "Rasa would take the text for the name of an intent"
        assert shown.encode("utf-8") and shown.isprintable()


async def test_a_caller_who_goes_away_leaves_the_engine_in_order(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    peer.behaviour = late(60)
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer, 30.0, connections=1)) as engine:
        waiting = asyncio.create_task(ask(engine, MARKET))
        async with asyncio.timeout(30):
            while not peer.texts:
                await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        peer.behaviour = rasa_peer.well
        assert (await ask(engine, MARKET)).engine == "rasa", "its connection is free again"


async def test_the_engine_is_an_engine(peer: RasaPeer, small_engine: EmbeddedEngine) -> None:
    async with open_rasa(small_engine, small_corpus.tree(), settings(peer)) as engine:
        assert isinstance(engine, RasaEngine)
        assert engine.version == ""
        assert engine.counts == {}
