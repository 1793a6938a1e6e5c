from __future__ import annotations

import pytest

from domain.understanding import Evidence
from nlu.findings import Finder

FINDER = Finder([])


def numbers(text: str) -> list[tuple[str, str]]:
    found = FINDER.find([(text, Evidence())])[0].personal_numbers
    return [(one.kind, text[one.start : one.end]) for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的电话13800000000，请回电", [("phone", "13800000000")]),
        ("联系138-0000-0000或0512-00000000", [("phone", "138-0000-0000"), ("phone", "0512-00000000")]),
        ("身份证320582190001010000", [("identity", "320582190001010000")]),
        (
            "身份证32058219000101000X，卡号6222000000000000000",
            [("identity", "32058219000101000X"), ("bank_card", "6222000000000000000")],
        ),
        ("固话58000000", [("phone", "58000000")]),
        ("２０２６年欠我10000000元，订单编号2026112400000000000001", []),
        ("20261124下午来过，20260931又来，批次20261301", [("phone", "20261301")]),
        ("固话20261124转8000", []),
        ("门牌12345号", []),
        ("", []),
    ],
)
def test_spans_of_personal_numbers(text: str, expected: list[tuple[str, str]]) -> None:
    assert numbers(text) == expected


def test_spans_count_in_the_whole_text_even_of_a_long_one() -> None:
    text = "很长的信。" * 600 + "电话13800000000。" + "再说一遍。" * 600
    assert numbers(text) == [("phone", "13800000000")]
