"""Splitting a request body into members."""

from __future__ import annotations

import json

import pytest
from platforms import LEAST, NOW, channel

from adapters.body import decoded, members
from adapters.channel import Refused, Unreadable


def test_an_object_is_one_member_byte_for_byte() -> None:
    body = b' {"a": 1.10,  "b":"\\u5783" } '
    assert members(body, 5) == ([body.strip()], False)


def test_an_array_keeps_the_bytes_of_each_member() -> None:
    found, was_array = members(b'[{"a":1} , {"a" : 2},3]', 5)
    assert was_array
    assert found == [b'{"a":1}', b'{"a" : 2}', b"3"]


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    assert members(b'\xef\xbb\xbf{"a":1}', 5) == ([b'{"a":1}'], False)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "空的"),
        (b" \r\n\t", "空的"),
        (b"[]", "空数组"),
        (b"3", "单个值"),
        (b'"text"', "单个值"),
        (b"null", "单个值"),
        (b"{", "JSON"),
        (b'{"a":1} x', "JSON"),
        (b'{"a":1}{"a":2}', "JSON"),
        (b"[{},]", "JSON"),
        (b"<xml/>", "JSON"),
        ('{"a":"垃圾"}'.encode("gb18030"), "UTF-8"),
        (json.dumps({"a": "垃圾"}).encode("utf-16"), "UTF-8"),
        (b'[{"a":"\\ud800"},{}', "JSON"),
        (b'[{"a":"\\ud800"},{}] x', "JSON"),
        (b"[" * 5000 + b"]" * 5000, "嵌套"),
    ],
)
def test_what_is_no_body_is_refused_in_words(body: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        members(body, 5)


def test_the_wrong_byte_and_the_wrong_place_are_named() -> None:
    with pytest.raises(Unreadable, match="第 7 个字节"):
        members(b'{"a":"\xff"}', 5)
    with pytest.raises(Unreadable, match="第 2 行第 7 个字符"):
        members('{"垃圾": 1,\n "b": x}'.encode(), 5)


def test_too_many_members_are_refused_and_as_many_as_allowed_are_not() -> None:
    assert len(members(b"[" + b",".join([b"{}"] * 5) + b"]", 5)[0]) == 5
    with pytest.raises(Unreadable, match="最多发送 5 件，收到 6 件"):
        members(b"[" + b",".join([b"{}"] * 6) + b"]", 5)


@pytest.mark.parametrize("raw", [b'{"a":"\\ud800"}', b'{"a":1e999}', b"{" * 5000, b'{"a":'])
def test_a_member_that_cannot_be_decoded_says_so(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        decoded(raw)


@pytest.mark.parametrize("member", [b"3", b"null", b'"x"', b"[]", b'{"a":"\\ud800"}', b'{"a":NaN}'])
def test_one_bad_member_is_refused_alone(member: bytes) -> None:
    good = json.dumps(LEAST["12345"]).encode()
    hotline = channel("12345")
    found, _ = hotline.members(b"[" + good + b"," + member + b"]")
    assert hotline.read(found[0], NOW).source_no == "A1"
    with pytest.raises(Refused) as refused:
        hotline.read(found[1], NOW)
    assert [one.field for one in refused.value.problems] == ["(正文)"]


def test_a_body_of_ten_megabytes_is_split() -> None:
    member = json.dumps({"majorContent": "垃" * 1000}).encode()
    body = b"[" + b",".join([member] * 1700) + b"]"
    assert len(body) > 10_000_000
    assert len(members(body, 2000)[0]) == 1700
