from __future__ import annotations

from nlu.folding import fold_text
from nlu.lexicon import Hit, Lexicon

LEXICON = Lexicon([("place", ["恬庄", "恬庄村", " 凤凰 ", "路", "，村口"]), ("danger", ["恬庄村", "漏氣", "着火"])])


def test_the_longest_phrase_at_a_place_is_found_for_each_of_its_lists() -> None:
    assert LEXICON.find(fold_text("去恬庄村，恬庄")) == [
        Hit(1, 4, "恬庄村", "place"),
        Hit(1, 4, "恬庄村", "danger"),
        Hit(5, 7, "恬庄", "place"),
    ]


def test_phrases_and_texts_meet_folded() -> None:
    assert [hit.phrase for hit in LEXICON.find(fold_text("鳳凰漏气"))] == ["凤凰", "漏气"]


def test_phrases_of_one_character_or_none_are_passed_over() -> None:
    for text in ("路", "村口", "，村口", "", "恬"):
        assert LEXICON.find(fold_text(text)) == []
    assert Lexicon([]).find("恬庄村") == []
