"""Single values: texts, numbers, phones, choices, attachments."""

from __future__ import annotations

import pytest

from adapters import values
from adapters.problems import Unfit
from domain.complaint import Attachment, Kind, Urgency


def fault(read: object, value: object) -> str:
    assert callable(read)
    with pytest.raises(Unfit) as refused:
        read(value)
    return refused.value.faults[0].code


def test_a_text_is_cleaned_but_keeps_its_lines() -> None:
    read = values.text_reader(100)
    assert read("  路边\r\n有\x07垃\u200b圾\r\u202e \ufeff") == "路边\n有垃圾"
    assert read("e\u0301") == "é"
    assert read("😀") == "😀"


def test_texts_have_limits_and_no_nul() -> None:
    read = values.text_reader(3)
    assert read("三个字") == "三个字"
    assert fault(read, "四个字了") == "length"
    assert fault(read, "a\x00b") == "nul"
    wrongs: list[object] = [3, 3.5, True, [], {}, None]
    for wrong in wrongs:
        assert fault(read, wrong) == "type"


def test_a_line_is_one_line_and_may_be_a_number() -> None:
    read = values.line_reader(20)
    assert read(" 恬庄 \n 古街\t1号 ") == "恬庄 古街 1号"
    assert read(12) == "12"
    assert fault(read, 1.5) == "type"


@pytest.mark.parametrize(
    ("value", "number"), [("ＰＺ１", "PZ1"), (123, "123"), (123.0, "123"), (" A1\x07 ", "A1"), (10**30, "1" + "0" * 30)]
)
def test_a_number_is_half_width_text(value: object, number: str) -> None:
    assert values.number_reader(64)(value) == number


@pytest.mark.parametrize("value", [2.0**53, 1e22, 1.5, True, [1], {}])
def test_a_number_that_may_have_lost_digits_is_refused(value: object) -> None:
    assert fault(values.number_reader(64), value) == "type"
    assert fault(values.number_reader(64), 2**300) == "length"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("PZ20260001", "PZ20260001"),
        ("20260001.0", "20260001"),
        ("20260001.00", "20260001"),
        ("2.0260001E+7", "20260001"),
        ("2.0260001e7", "20260001"),
        ("1.23456789012345E+14", "123456789012345"),
        ("20261124091233000123", "20261124091233000123"),
    ],
)
def test_a_number_out_of_a_sheet_is_put_right(written: str, number: str) -> None:
    assert values.sheet_number_reader(64)(written) == number


@pytest.mark.parametrize(
    "written", ["2.02611E+15", "2.02611E+16", "2.0261124091233004e+16", "1.5E+0", "1E+20", "20261124091233004.0"]
)
def test_a_number_out_of_a_sheet_that_lost_digits_is_refused(written: str) -> None:
    with pytest.raises(Unfit) as refused:
        values.sheet_number_reader(64)(written)
    assert "文本格式" in refused.value.faults[0].message


@pytest.mark.parametrize(
    ("value", "phone"),
    [
        ("138-0000-0000", "13800000000"),
        ("(0512) 5800 0000", "051258000000"),
        ("+86 138 0000 0000", "+8613800000000"),
        ("１３８００００００００", "13800000000"),
        (13800000000, "13800000000"),
        (13800000000.0, "13800000000"),
        ("无", "无"),
        ("13800000000 转 8", "13800000000 转 8"),
        ("1" * 60, "1" * 50),
    ],
)
def test_a_phone_is_never_refused_for_what_people_write(value: object, phone: str) -> None:
    assert values.phone_reader(50)(value) == phone


@pytest.mark.parametrize(
    ("word", "urgency"),
    [
        ("一般", Urgency.NORMAL),
        ("紧急", Urgency.URGENT),
        ("特急", Urgency.CRITICAL),
        ("URGENT", Urgency.URGENT),
        ("加急", Urgency.CRITICAL),
    ],
)
def test_urgency_words(word: str, urgency: Urgency) -> None:
    assert values.choice_reader(values.URGENCY_WORDS, keep=False)(word) is urgency


@pytest.mark.parametrize("value", [True, 1, "1", "TRUE", "是", "Ｙ", "需要", 1.0])
def test_yes(value: object) -> None:
    assert values.choice_reader(values.FLAG_WORDS, keep=False)(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "false", "否", "No"])
def test_no(value: object) -> None:
    assert values.choice_reader(values.FLAG_WORDS, keep=False)(value) is False


def test_an_unknown_word_is_refused_with_those_that_are_known_or_kept_as_nothing() -> None:
    with pytest.raises(Unfit) as refused:
        values.choice_reader(values.URGENCY_WORDS, keep=False)("马上" * 40)
    assert "一般" in refused.value.faults[0].message
    assert len(refused.value.faults[0].message) < 200
    assert values.choice_reader(values.URGENCY_WORDS, keep=True)("马上") is None


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("咨询", Kind.CONSULTATION),
        ("建议", Kind.SUGGESTION),
        ("求助", Kind.HELP),
        ("投诉", Kind.COMPLAINT),
        ("举报", Kind.REPORT),
        ("表扬", None),
    ],
)
def test_kinds_keep_the_word(word: str, kind: Kind | None) -> None:
    assert values.kind_reader(values.KIND_WORDS, keep=True)(word) == (kind, word)


def test_attachments_in_every_form() -> None:
    first, second = "https://files.example.com/1.jpg?a=1,2", "http://files.example.com/2.jpg"
    pair = (Attachment(first), Attachment(second))
    assert values.attachments([first, second]) == pair
    assert values.attachments(f"{first},{second}") == pair
    assert values.attachments(f"{first}；{second};") == pair
    assert values.attachments({"url": first, "name": "照片"}) == (Attachment(first, "照片"),)
    assert values.attachments([{"url": first, "name": None}, None, ""]) == (Attachment(first),)
    assert values.attachments([]) == ()


@pytest.mark.parametrize(
    ("value", "code", "at"),
    [
        (["javascript:alert(1)"], "format", "[0]"),
        (["http://x/1", "file:///etc/passwd"], "format", "[1]"),
        (['http://x/"><script>'], "format", "[0]"),
        (["http://x y/"], "format", "[0]"),
        (["http://x/\n1"], "format", "[0]"),
        (["https://"], "format", "[0]"),
        ([3], "type", "[0]"),
        ([{"name": "x"}], "type", "[0].url"),
        ([{"url": "http://x/1", "name": [1]}], "type", "[0].name"),
        (["http://x/" + "1" * 2000], "length", "[0]"),
        (["http://x/1"] * 51, "length", ""),
        (3, "type", ""),
    ],
)
def test_bad_attachments_are_named_by_place(value: object, code: str, at: str) -> None:
    with pytest.raises(Unfit) as refused:
        values.attachments(value)
    assert (refused.value.faults[0].code, refused.value.faults[0].at) == (code, at)
