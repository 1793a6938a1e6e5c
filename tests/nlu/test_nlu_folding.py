from __future__ import annotations

import pytest

from nlu.folding import GAP, HEAD_CHARACTERS, TAIL_CHARACTERS, excerpt, fold, fold_text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("煙囪違建", "烟囱违建"),
        ("臺灣麵館噪聲", "台湾面馆噪声"),
        ("ＫＴＶ１２号", "ktv00号"),
        ("投诉：太吵！真的？", "投诉 太吵!真的?"),
        ("a\x00b\tc\nd", "a b c d"),
        ("", ""),
    ],
)
def test_forms_of_a_character_are_read_alike(text: str, folded: str) -> None:
    assert fold_text(text) == folded


def test_every_character_keeps_its_place() -> None:
    text = "\ud800😀ﷺ㎡ŉ违建½Ⅳ" + "".join(map(chr, range(0x20, 0x3000, 7)))
    assert fold(text).size == len(text) == len(fold_text(text))


def test_of_a_long_text_head_and_tail_are_read() -> None:
    text = "头" * 50_000 + "尾" * 50_000
    read = excerpt(text)
    assert read == "头" * HEAD_CHARACTERS + GAP + "尾" * TAIL_CHARACTERS
    assert excerpt("短" * (HEAD_CHARACTERS + TAIL_CHARACTERS)) == "短" * (HEAD_CHARACTERS + TAIL_CHARACTERS)
