"""Arbitrary input: adapters answer it with a complaint or a refusal in words, never with another exception."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from platforms import CODES, LEAST, NOW, TIMES, channel
from platforms import settings as channel_settings

from adapters.channel import Channel, Refused, Unreadable
from adapters.manual import ManualEntry
from adapters.settings import adapter_map
from domain.complaint import Complaint

CHANNELS = {code: channel(code) for code in CODES}
ENTRY = ManualEntry()

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        [
            "2026-11-24 09:12:33", "20261124091233", "46350.5", "120.62,31.76", "120.62", "投诉", "特急", "06010",
            "大气、水", "https://files.example.com/1.jpg", "A1-01", "-01", "\x00", "\ud800", "是", 10**400, -0.0,
            "9" * 5000, "0001-01-01", "9999-12-31T23:59:59-23:59", "https://x/1,https://x/2",
        ]
    )
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["url", "name", "lng", "lat"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def names_of(code: str) -> list[str]:
    fields = adapter_map(channel_settings(code).adapter)["fields"].values()
    names = [field if isinstance(field, str) else field["from"] for field in fields]
    return sorted({name.split(".")[0] for name in names})


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, object]:
    """A channel and a body that its fields may occur in, mostly with those that it needs."""
    code = draw(st.sampled_from(CODES))
    named = st.dictionaries(st.sampled_from(names_of(code)) | st.text(), anything, max_size=6)
    least = st.just(dict(LEAST[code]))
    some: st.SearchStrategy[Any] = st.builds(lambda base, more: base | more, least, named) | anything
    return code, draw(some | st.lists(some, max_size=4))


def taken(hotline: Channel, body: bytes) -> list[Complaint]:
    """The complaints in a body; every refusal must be fit to be answered."""
    try:
        members, _ = hotline.members(body)
    except Unreadable as error:
        assert str(error)
        return []
    complaints = []
    for member in members:
        try:
            complaints.append(hotline.read(member, NOW))
        except Refused as refused:
            assert refused.problems
            msgspec.json.encode([[one.field, one.message, one.code] for one in refused.problems])
    return complaints


def assert_sound(complaint: Complaint) -> None:
    assert complaint.source_no and complaint.content
    assert complaint.reported_at.tzinfo is not None
    assert complaint.due_outer is None or complaint.due_outer > complaint.reported_at
    told = msgspec.to_builtins({name: getattr(complaint, name) for name in complaint.__slots__ if name != "raw"})
    text = msgspec.json.encode(told).decode()  # nothing in it that UTF-8 cannot hold
    assert "\\u0000" not in text


@settings(max_examples=400 * TIMES, deadline=None)
@given(bodies())
def test_arbitrary_json(case: tuple[str, object]) -> None:
    code, value = case
    for complaint in taken(CHANNELS[code], json.dumps(value).encode()):
        assert_sound(complaint)


@settings(max_examples=200 * TIMES, deadline=None)
@given(bodies())
def test_one_bad_member_never_costs_the_others(case: tuple[str, object]) -> None:
    code, value = case
    good = json.dumps(LEAST[code])
    body = f"[{good},{json.dumps(value)},{good}]".encode()
    complaints = taken(CHANNELS[code], body)
    assert [one.source_no for one in (complaints[0], complaints[-1])] == ["A1", "A1"]
    assert len(complaints) >= 2


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.sampled_from(CODES), st.binary(max_size=200))
def test_arbitrary_bytes(code: str, body: bytes) -> None:
    for complaint in taken(CHANNELS[code], body):
        assert_sound(complaint)


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.sampled_from(CODES), st.data())
def test_a_good_body_with_a_few_bytes_changed(code: str, data: st.DataObject) -> None:
    body = bytearray(json.dumps(LEAST[code], ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for complaint in taken(CHANNELS[code], bytes(body)):
        assert_sound(complaint)


manual_names = [
    "source", "source_no", "content", "title", "kind", "category", "urgency", "reporter", "address", "longitude",
    "latitude", "reported_at", "party", "appeal", "attachments",
]  # fmt: skip


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.dictionaries(st.sampled_from(manual_names), anything, max_size=8) | anything)
def test_arbitrary_entries(value: object) -> None:
    if isinstance(value, dict):
        value = {"source": "phone", "content": "有垃圾"} | value
    try:
        assert_sound(ENTRY.read(json.dumps(value).encode(), NOW, "P-1"))
    except Unreadable as error:
        assert str(error)
    except Refused as refused:
        assert refused.problems
        msgspec.json.encode([[one.field, one.message, one.code] for one in refused.problems])


@pytest.mark.parametrize("depth", [50, 900, 100_000])
@pytest.mark.parametrize("code", CODES)
def test_deep_nesting_in_any_field(code: str, depth: int) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        inner = opening * depth + "1" + closing * depth
        good = json.dumps(LEAST[code])
        for name in names_of(code):
            body = f'{good[:-1]},"{name}":{inner}}}'.encode()
            complaints = taken(CHANNELS[code], body)
            assert complaints == [] or name == "location"  # which is an object, and may hold more than we read
