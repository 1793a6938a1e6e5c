"""Masking: no whole number survives, dates and ticket numbers stay readable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.privacy import masked_name, masked_phone, masked_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13800000001。", "电话138****01。"),
        ("电话138 0000 0001", "电话138****01"),
        ("电话138-0000-0001转3", "电话138****01转3"),
        ("座机0512-58000001", "座机051****01"),
        ("座机58000001", "座机580****01"),
        ("短号6800001", "短号680****01"),
        ("身份证32058219000101001X", "身份证320****1X"),
        ("身份证320582190001010019", "身份证320****19"),
        ("卡号6222 0000 0000 0000 001", "卡号622****01"),
        ("微信VX13800000001", "微信VX138****01"),
        ("两个13800000001、13900000002", "两个138****01、139****02"),
        ("2026-10-10 16:00 联系13800000001", "2026-10-10 16:00 联系138****01"),
        ("2026-10-10 13800000001", "2026-10-10 138****01"),
    ],
)
def test_numbers_are_reduced_to_their_ends(text: str, masked: str) -> None:
    assert masked_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "门牌12-3号3幢405室",
        "罚款200000元",
        "2026-10-10 09:12:33 已到场",
        "20261010 前整改",
        "并入 FH261124-00001",
        "见FH261124-00001、FH261124-00002",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert masked_text(text) == text


@given(st.text(alphabet="市民反映，- 0123456789Xx", max_size=80))
def test_no_mobile_number_survives(text: str) -> None:
    assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", masked_text(text))


@given(st.from_regex(r"1[3-9]\d{9}", fullmatch=True), st.text(alphabet="市民来电，。", max_size=5))
def test_a_mobile_number_is_masked_wherever_it_stands(phone: str, around: str) -> None:
    assert phone not in masked_text(around + phone + around)


def test_phones_show_their_ends_and_the_shorter_the_less() -> None:
    assert masked_phone("13800000001") == "138****0001"
    assert masked_phone("58000001") == "58****01"
    assert masked_phone("12345") == "*****"
    assert masked_phone("") == ""


def test_names_show_their_first_character() -> None:
    assert masked_name("测试甲") == "测**"
    assert masked_name("测") == "*"
    assert masked_name("") == ""
