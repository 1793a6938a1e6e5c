"""Signatures: what of a text is compared, however it is spelled, and nothing of the reporter."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from town import complaint, tree, understanding

from domain.complaint import Place, Reporter
from domain.incident import Signature
from domain.understanding import Party
from nlu.corpus import load_corpus
from nlu.signatures import (
    MOST_GRAMS,
    MOST_SHARES,
    count_shares,
    marks_of,
    parties_of,
    places_of,
    plain,
    rarity,
    shares,
    signature,
    telling,
)


def test_spelling_does_not_count() -> None:
    assert plain("ＫＴＶ　太吵，（三樓）！") == plain("ktv太吵 三楼")
    assert telling(plain("噪音太大，无法休息。")) == telling(plain("噪音太大 无法休息"))


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (("凤凰镇恬庄街38号", "恬庄街"), ("恬庄街38号",)),
        (("张家港市凤凰镇金谷路", "恬庄村", "凤凰社区", "凤凰镇"), ("金谷路",)),
        (("金谷路路口", "38号"), ()),
        (("解放西路12号",), ("解放西路12号",)),
        (("恬庄街38号", "金谷路"), ("恬庄街38号", "金谷路")),
    ],
)
def test_places_are_names_without_what_stands_around_them(words: tuple[str, ...], places: tuple[str, ...]) -> None:
    assert places_of(words) == places


def test_parties_are_names_and_not_what_a_shop_deals_in() -> None:
    assert parties_of(("一家鑫源烧烤店", "恒丰有限公司", "五金店", "路边烧烤摊", "苏A·12345")) == (
        "鑫源烧烤",
        "恒丰",
        "苏a12345",
    )


def test_rare_words_tell_more_than_common_ones() -> None:
    assert rarity("没有") < rarity("獬豸")
    assert len(shares()) == MOST_SHARES
    weights = dict(telling(plain("没有没有没有獬豸")))
    assert len(weights) == 4
    assert abs(sum(weight * weight for weight in weights.values()) - 1) < 0.01


def test_the_address_counts_up_to_its_house_number() -> None:
    told = complaint(content="油烟味很大", place=Place(address="凤凰镇恬庄街38号2楼后门"))
    made = signature(told, understanding(places=()), tree().get("C0101"))
    assert made.places == ("恬庄街38号",)


def test_nothing_of_the_reporter_is_in_it() -> None:
    told = complaint(content="油烟味很大", reporter=Reporter(name="测试乙", phone="13800000002"))
    understood = replace(understanding(), parties=(Party("老味道面馆", "shop"),))
    made = signature(told, understood, None, reporter="k1", cell="014")
    assert (made.reporter, made.cell, made.category, made.group) == ("k1", "014", "C0101", "C0101")
    written = msgspec.json.encode(made).decode()
    assert "13800000002" not in written
    assert "测试乙" not in written


def test_near_copies_share_marks_and_strangers_do_not() -> None:
    text = plain("金谷雅苑北门的夜宵摊每天营业到凌晨两点，油烟直接往楼上飘，已经反映过三次没有人来处理")
    copy = plain("金谷雅苑北门的夜宵摊每天营业到凌晨两点，油烟直接往楼上飘，已经反映过四次还是没有人来处理！")
    assert set(marks_of(text)) & set(marks_of(copy))
    assert not set(marks_of(text)) & set(marks_of(plain("河里漂着死鱼，水是黑的，请环保部门查一查是哪家厂排的")))


@given(st.text(max_size=400))
def test_any_text_has_a_bounded_signature_that_can_be_stored(text: str) -> None:
    made = signature(complaint(content=text), understanding(), None)
    assert len(made.grams) <= MOST_GRAMS
    assert all(-(2**63) <= mark < 2**63 for mark in made.marks)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Signature) == made


def test_the_shares_are_those_of_the_corpus_as_it_was_counted() -> None:
    """Only roughly today's: the corpus grows, and `python -m nlu.signatures` counts again."""
    today = {line.split(" ")[0] for line in count_shares(one.text for one in load_corpus()).splitlines()}
    assert len(today & set(shares())) > 0.7 * MOST_SHARES
