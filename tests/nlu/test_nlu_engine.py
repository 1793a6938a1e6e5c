from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
import small_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.complaint import Code, Kind, Urgency
from domain.understanding import Evidence, Understanding
from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.features import read
from nlu.embedded.model import Model
from nlu.folding import GAP, HEAD_CHARACTERS, TAIL_CHARACTERS

NOTHING = Evidence()
STALLS = "恬庄菜场门口三轮车占道卖菜，流动摊贩堵住人行道，严重影响生活，请尽快处理"
NIGHT_WORK_CODE = Code("gbt47678.5", "2026", "06028")


def understood(engine: EmbeddedEngine, text: str, evidence: Evidence = NOTHING) -> Understanding:
    return engine.understand_now([(text, evidence)])[0]


def test_an_ordinary_text_is_understood(small_engine: EmbeddedEngine) -> None:
    received = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    found = understood(small_engine, f"昨晚8点，{STALLS}，电话13800000000", Evidence(received_at=received))
    assert found.category.code == "C0101"
    assert found.category.name == "流动摊贩"
    assert found.confidence == found.category.confidence > 0.8
    assert found.kind is Kind.COMPLAINT
    assert len(found.runners_up) == 2
    assert found.confidence >= found.runners_up[0].confidence >= found.runners_up[1].confidence
    assert found.places[0] == "恬庄"
    assert [one.text for one in found.times] == ["昨晚8点"]
    assert [one.kind for one in found.personal_numbers] == ["phone"]
    assert found.urgency is Urgency.NORMAL
    assert (found.engine, found.version) == ("embedded", small_engine.version)


def test_the_words_that_decided_stand_in_the_text_and_speak_for_the_category(small_engine: EmbeddedEngine) -> None:
    found = understood(small_engine, STALLS)
    assert found.words
    assert all(word.text in STALLS for word in found.words)
    assert {"流动", "摊贩", "占道", "卖菜", "三轮车", "人行道"} & {word.text for word in found.words if word.weight > 0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "啊",
        "\x00\x01\x02",
        "\ud800\udfff",
        "😀😀😀",
        "the restaurant is too noisy at night",
        "ni hao wo yao tou su",
        "樓下的餐館油煙太大了",
        "违" * 100_000,
        "1、" * 50_000,
        "。" * 100_000,
        "0" * 100_000,
        bytes(range(256)).decode("latin-1") * 50,
        "“" * 3000 + "回复说：“" * 3000,
        "\n".join(["恬庄"] * 20_000),
    ],
)
def test_any_text_is_answered(small_engine: EmbeddedEngine, text: str) -> None:
    found = understood(small_engine, text, Evidence(address=text, received_at=datetime(2026, 11, 24, tzinfo=UTC)))
    assert 0 <= found.confidence <= 1
    assert 0 <= found.kind_confidence <= 1
    assert len(found.places) <= 8
    msgspec.json.encode(replace(found, places=(), words=(), times=(), parties=(), matters=()))


@given(st.text(st.characters(), max_size=300), st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_arbitrary_text_is_answered(small_engine: EmbeddedEngine, text: str, address: str) -> None:
    found = understood(small_engine, text, Evidence(address=address, received_at=datetime(2026, 11, 24, tzinfo=UTC)))
    assert 0 <= found.confidence <= 1


def test_the_work_for_a_text_is_bounded_by_what_is_read_of_it(small_model: Model) -> None:
    most = HEAD_CHARACTERS + TAIL_CHARACTERS + len(GAP)
    longest = read(["违法建设油烟噪声" * 200], small_model.dictionary)
    for times in (1_000, 100_000):
        reading = read(["违法建设油烟噪声" * times], small_model.dictionary)
        assert reading.points.size == most + 1
        assert reading.keys.size <= longest.keys.size + 4 * len(GAP)


def test_nothing_known_means_low_confidence(small_engine: EmbeddedEngine) -> None:
    for text in ("", "啊", "xyz", "请处理"):
        assert understood(small_engine, text).confidence < 0.6


def test_a_batch_answers_what_each_text_alone_is_answered(small_engine: EmbeddedEngine) -> None:
    texts = [(row.text, NOTHING) for row in small_corpus.rows()] + [("", NOTHING), ("夜间施工" * 900, NOTHING)]
    together = small_engine.understand_now(texts)
    for (text, evidence), one in zip(texts, together, strict=True):
        alone = understood(small_engine, text, evidence)
        assert (alone.category.code, alone.kind, alone.places, alone.risks) == (
            one.category.code,
            one.kind,
            one.places,
            one.risks,
        )
        assert alone.confidence == pytest.approx(one.confidence, abs=1e-4)
        assert [word.text for word in alone.words[:2]] == [word.text for word in one.words[:2]]


async def test_callers_of_one_moment_each_get_their_own_answers(small_engine: EmbeddedEngine) -> None:
    rows = small_corpus.rows()
    calls = [small_engine.understand([(row.text, NOTHING)] * (at % 3)) for at, row in enumerate(rows)]
    answers = await asyncio.gather(*calls)
    for at, (row, found) in enumerate(zip(rows, answers, strict=True)):
        assert [one.category.code for one in found] == [row.label] * (at % 3)


async def test_a_caller_who_goes_away_does_not_hurt_the_others(small_engine: EmbeddedEngine) -> None:
    leaving = asyncio.ensure_future(small_engine.understand([(STALLS, NOTHING)]))
    staying = asyncio.ensure_future(small_engine.understand([(STALLS, NOTHING)]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying)[0].category.code == "C0101"


class TestClaims:
    def test_a_bare_text_follows_the_code(self, small_engine: EmbeddedEngine) -> None:
        found = understood(small_engine, "请处理", Evidence(codes=(NIGHT_WORK_CODE,)))
        assert found.category.code == "J0301"
        assert found.confidence > 0.85

    def test_a_text_in_line_with_its_code_is_surer(self, small_engine: EmbeddedEngine) -> None:
        text = "双塘路上声音太大"
        with_code = understood(small_engine, text, Evidence(codes=(NIGHT_WORK_CODE,)))
        assert with_code.category.code == "J0301"
        chance_without = {one.code: one.confidence for one in _all_guesses(understood(small_engine, text))}
        assert with_code.confidence > chance_without["J0301"]

    def test_a_text_that_clearly_says_otherwise_wins(self, small_engine: EmbeddedEngine) -> None:
        text = "路上井盖不见了，窨井盖破了个洞，下水道井盖被偷，" * 2
        found = understood(small_engine, text, Evidence(codes=(NIGHT_WORK_CODE,)))
        assert found.category.code == "J0401"

    def test_a_code_that_leaves_two_leaves_open_lets_the_words_choose(self, small_engine: EmbeddedEngine) -> None:
        several = Evidence(codes=(Code("several", "", "水"),))
        assert understood(small_engine, "厨房排烟管对着居民楼", several).category.code == "C0705"
        assert understood(small_engine, "小贩在校门口摆摊", several).category.code == "C0101"

    def test_a_code_that_nobody_knows_changes_nothing(self, small_engine: EmbeddedEngine) -> None:
        unknown = Evidence(codes=(Code("gbt47678.5", "2026", "99999"), Code("foreign", "", "x")))
        assert understood(small_engine, STALLS, unknown) == understood(small_engine, STALLS)

    def test_a_claimed_kind_is_followed_where_the_words_do_not_tell(self, small_engine: EmbeddedEngine) -> None:
        for kind in (Kind.CONSULTATION, Kind.COMPLAINT):
            found = understood(small_engine, "港口社区", Evidence(kind=kind))
            assert found.kind is kind
            assert found.kind_confidence > 0.6

    def test_words_that_clearly_say_otherwise_win_over_a_claimed_kind(self, small_engine: EmbeddedEngine) -> None:
        text = "请问餐馆油烟归哪个部门管？想了解一下有什么规定？"
        found = understood(small_engine, text, Evidence(kind=Kind.COMPLAINT))
        assert found.kind is Kind.CONSULTATION
        assert found.kind_confidence < understood(small_engine, text).kind_confidence

    def test_a_claimed_kind_that_the_model_never_saw_is_no_error(self, small_engine: EmbeddedEngine) -> None:
        assert understood(small_engine, STALLS, Evidence(kind=Kind.REPORT)).kind is Kind.COMPLAINT


def _all_guesses(found: Understanding) -> tuple[object, ...]:
    return (found.category, *found.runners_up)


def test_what_an_earlier_reply_is_quoted_to_say_does_not_decide(small_engine: EmbeddedEngine) -> None:
    text = "恬庄的饭店油烟直排，你们上次回复说：“工地夜间施工噪音已停工，凌晨不再打桩，挖掘机已撤走”，餐馆油烟味呛人"
    assert understood(small_engine, text).category.code == "C0705"


def test_several_matters_are_told_apart_and_the_first_leads(small_engine: EmbeddedEngine) -> None:
    found = understood(small_engine, "1、工地半夜打桩，夜间施工噪音吵得睡不着；2、路上井盖不见了，下水道井盖被偷")
    assert [one.category.code for one in found.matters] == ["J0301", "J0401"]
    assert found.category.code in {"J0301", "J0401"}
    assert understood(small_engine, STALLS).matters == ()


def test_the_same_text_is_always_answered_the_same(small_engine: EmbeddedEngine, small_model: Model) -> None:
    again = EmbeddedEngine(small_model, small_corpus.tree(), frozenset({"恬庄", "高庄村", "凤凰镇"}))
    assert understood(small_engine, STALLS) == understood(small_engine, STALLS) == understood(again, STALLS)


def test_a_model_for_other_labels_is_refused(small_model: Model) -> None:
    foreign = replace(small_model, labels=("城乡建设", *small_model.labels[1:]))
    with pytest.raises(ValueError, match="城乡建设"):
        EmbeddedEngine(foreign, small_corpus.tree(), frozenset())
    without_kinds = replace(small_model, kinds=())
    with pytest.raises(ValueError, match="诉求类型"):
        EmbeddedEngine(without_kinds, small_corpus.tree(), frozenset())
