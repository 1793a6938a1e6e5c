"""Arbitrary bytes for everything that reads what others wrote: a plain refusal or a reading, never another exception.

JSON of channels and entries: `test_adapters_properties`. `make fuzz` goes on for longer.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from exports import ARCHIVE, EXPORT, HEADINGS, ROW, write_text, write_xls, write_xlsx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from platforms import CODES, NOW, TIMES, channel

from adapters.open311 import Open311Entry
from adapters.problems import Refused, Unreadable
from adapters.settings import adapter_map
from adapters.sheets import open_sheet
from adapters.wechat.crypto import Envelope, NotFromPlatform
from adapters.wechat.messages import NotReadable, fields_of, read
from adapters.wecom.events import pressed
from adapters.workbooks import MOST_CELLS

LISTING = {"items": "data.list", "state": "state", "states": {"1": "sent", "2": "closed"}}
CHANNELS = {code: channel(code, listing=LISTING) for code in CODES}
MESSAGE = (
    b"<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1795579413</CreateTime>"
    b"<MsgType>location</MsgType><Location_X>31.7</Location_X><Location_Y>120.6</Location_Y><MsgId>1</MsgId></xml>"
)
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1", "9" * 400, "\x00"])
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["data", "list", "state"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Something sound with bytes changed, left out, doubled or cut off."""
    found = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(found)))
        match draw(st.sampled_from(["change", "drop", "insert", "double", "cut"])):
            case "change":
                found[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "drop":
                del found[at : at + draw(st.integers(1, 64))]
            case "insert":
                found[at:at] = draw(st.binary(max_size=8))
            case "double":
                found[at:at] = found[at : at + draw(st.integers(1, 64))]
            case _:
                del found[at:]
    return bytes(found)


def names_in(code: str, *sections: str) -> list[str]:
    """Every name that a channel's maps mention, and every word."""

    def words(value: object) -> list[str]:
        if isinstance(value, dict):
            return [one for key, inner in value.items() for one in (str(key), *words(inner))]
        if isinstance(value, list):
            return [one for inner in value for one in words(inner)]
        return [value] if isinstance(value, str) else []

    found = adapter_map(CHANNELS[code].settings.adapter)
    return sorted({one for section in sections for one in words(found.get(section, {}))})


WORDS = {code: names_in(code, "fields", "actions", "receipt") or ["x"] for code in CODES}


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.sampled_from(CODES), st.data())
def test_what_platforms_say_later_and_answer(code: str, data: st.DataObject) -> None:
    words = st.sampled_from(WORDS[code])
    said = data.draw(st.dictionaries(words | st.text(), words | anything, max_size=8) | anything)
    one = CHANNELS[code]
    for content in (json.dumps(said).encode(), data.draw(st.binary(max_size=100))):
        try:
            assert one.message(content).number
        except (Refused, Unreadable) as refused:
            assert str(refused)
        one.answered(content, "R-1")
        assert isinstance(one.refusal(content), str)
        try:
            listed = one.listed(content)
        except Unreadable as error:
            assert str(error)
        else:
            assert all(ticket.number for ticket in listed)


@settings(max_examples=200 * TIMES, deadline=None)
@given(st.dictionaries(st.sampled_from(["service_code", "description", "lat", "long", "address_string", "first_name",
       "last_name", "phone", "email", "media_url", "api_key"]) | st.text(), st.text(), max_size=10))  # fmt: skip
def test_open311_forms(form: dict[str, str]) -> None:
    try:
        assert Open311Entry().read(form, NOW, "X-1").content
    except Refused as refused:
        assert refused.problems


@settings(max_examples=400 * TIMES, deadline=None)
@given(damaged(MESSAGE) | st.binary(max_size=200))
def test_wechats_messages(body: bytes) -> None:
    try:
        fields = fields_of(body)
    except NotReadable as error:
        assert str(error)
        return
    for reader in (read, pressed):
        try:
            reader(fields)
        except NotReadable as error:
            assert str(error)


members = st.sampled_from(
    [
        *("ToUserName", "FromUserName", "CreateTime", "MsgType", "Content", "Location_X", "Location_Y", "MsgId"),
        *("Event", "EventKey", "TaskId", "Title", "Recognition"),
    ]
)
values = st.sampled_from(["text", "location", "event", "template_card_event", "nan", "inf", "9" * 400, "٣"])


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.dictionaries(members, st.text() | values))
def test_members_of_wechats_messages(fields: dict[str, str]) -> None:
    for reader in (read, pressed):
        try:
            reader(fields)
        except NotReadable as error:
            assert str(error)


@settings(max_examples=200 * TIMES, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=120).map(lambda one: one.hex()), st.text(max_size=40))
def test_nobody_but_wechat_seals(encrypted: str, signature: str) -> None:
    with pytest.raises((NotFromPlatform, NotReadable)):
        Envelope("token", KEY, "wx0000").open(encrypted, signature, "1795579413", "nonce")


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Sound tables of each kind."""
    folder = tmp_path_factory.mktemp("tables")
    rows = [list(HEADINGS), list(ROW), list(ROW)]
    return {
        "xlsx": write_xlsx(folder / "a.xlsx", rows).read_bytes(),
        "xls": write_xls(folder / "a.xls", rows).read_bytes(),
        "csv": write_text(folder / "a.csv", [[str(one) for one in row] for row in rows]).read_bytes(),
    }


def read_whole(path: Path) -> None:
    """Read every row of a table; anything but a plain refusal is raised."""
    try:
        for row in open_sheet(path, [EXPORT, ARCHIVE], NOW):
            assert row.complaint is not None or row.problems
    except Unreadable as error:
        assert str(error)


@settings(max_examples=40 * TIMES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["xlsx", "xls", "csv"]), data=st.data())
def test_damaged_tables(kind: str, data: st.DataObject, tables: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(data.draw(damaged(tables[kind])))
    read_whole(path)


@settings(max_examples=20 * TIMES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_workbook_that_is_damaged_inside(data: st.DataObject, tables: dict[str, bytes], tmp_path: Path) -> None:
    """The archive is sound, one of its parts is not."""
    path, made = tmp_path / "inside.xlsx", io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(tables["xlsx"])) as sound, zipfile.ZipFile(made, "w") as archive:
        names = sound.namelist()
        chosen = data.draw(st.sampled_from(names))
        for name in names:
            content = sound.read(name)
            archive.writestr(name, data.draw(damaged(content)) if name == chosen else content)
    path.write_bytes(made.getvalue())
    read_whole(path)


def far_away(path: Path, row: int, column: int) -> Path:
    """A workbook of a few kilobytes with a cell at its far end."""
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, list(HEADINGS))
    sheet.write(row, column, "x")
    workbook.close()
    return path


def test_a_small_file_cannot_fill_the_memory(tmp_path: Path) -> None:
    """The library makes room for every cell between the first and the last, and unpacks all that is packed."""
    for row, column in ((1_048_575, 16_383), (1_048_575, MOST_CELLS // 1_048_576 + 1)):
        with pytest.raises(Unreadable, match="远在表格之外"):
            open_sheet(far_away(tmp_path / "far.xlsx", row, column), [EXPORT], NOW)
    assert open_sheet(far_away(tmp_path / "near.xlsx", 1_000, 100), [EXPORT], NOW) is not None
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(tmp_path / "near.xlsx") as sound, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        strings_of = "xl/sharedStrings.xml"
        for name in sound.namelist():
            if name != strings_of:
                archive.writestr(name, sound.read(name))
        with archive.open(strings_of, "w") as strings:
            for _ in range(300):
                strings.write(b" " * 1_048_576)
    assert bomb.stat().st_size < 1_000_000
    with pytest.raises(Unreadable, match="解开后超过 256 MB"):
        open_sheet(bomb, [EXPORT], NOW)
