"""Class codes: the schemes of 12319, older ones, other cities' additions, several on one report."""

from __future__ import annotations

from typing import Any

import pytest
from platforms import LEAST, read, refusals
from pydantic import ValidationError

from adapters.codes import CodeBook, SchemeSettings
from adapters.problems import Unfit
from adapters.settings import adapter_map
from domain.complaint import Code

SCHEMES = [SchemeSettings.model_validate(one) for one in adapter_map("hotline_12319")["schemes"]["category"]]
LITTER = Code("gbt47678.5", "2026", "06010", "暴露垃圾")


@pytest.mark.parametrize("written", ["06010", "32058206010", " 06010 ", "０６０１０"])
def test_five_digits_eleven_and_full_width(written: str) -> None:
    assert CodeBook(SCHEMES, {}, "refuse").code(written) == LITTER


def test_the_older_scheme_keeps_its_own_version() -> None:
    assert CodeBook(SCHEMES, {}, "refuse").code("0102") == Code("gbt30428.2", "2013", "0102", "暴露垃圾")


@pytest.mark.parametrize("written", ["99999", "6010", "3205826010", "32058299999", "abc", "", "320582", "06010x"])
def test_an_unknown_code_is_refused_with_what_would_be_right(written: str) -> None:
    with pytest.raises(Unfit) as refused:
        CodeBook(SCHEMES, {}, "refuse").code(written)
    assert "GB/T 47678.5-2026" in refused.value.faults[0].message


def test_an_unknown_code_is_kept_where_the_map_says_so() -> None:
    assert CodeBook(SCHEMES, {}, "keep").code("99999") == Code("gbt47678.5", "2026", "99999")


@pytest.mark.parametrize(
    ("written", "code"), [("6010", LITTER), ("102", Code("gbt30428.2", "2013", "0102", "暴露垃圾"))]
)
def test_out_of_a_sheet_the_zeros_at_the_beginning_may_be_lost(written: str, code: Code) -> None:
    assert CodeBook(SCHEMES, {}, "refuse", from_sheet=True).code(written) == code


def test_a_name_alone_finds_its_code_and_an_unknown_name_none() -> None:
    assert read("12319", LEAST["12319"] | {"SXMC": "暴露垃圾"}).codes == (LITTER,)
    assert read("12319", LEAST["12319"] | {"SXMC": "不存在的事项"}).codes == ()
    assert refusals("12319", LEAST["12319"] | {"SXDM": "99999"}) == {"SXDM": "value"}


def test_a_city_adds_codes_of_its_own() -> None:
    added: dict[str, Any] = {"scheme": "gbt47678.5", "version": "2026", "table": "hotline_12319/items.csv"}
    schemes = {"category": [added | {"codes": {"06901": "本市扩展事项"}, "region_digits": 6}]}
    complaint = read("12319", LEAST["12319"] | {"SXDM": "32058206901"}, schemes=schemes)
    assert complaint.codes == (Code("gbt47678.5", "2026", "06901", "本市扩展事项"),)


def test_a_scheme_without_a_list_takes_every_code() -> None:
    book = CodeBook([SchemeSettings(scheme="12345", version="platform")], {}, "refuse")
    assert book.code("城管执法") == Code("12345", "platform", "城管执法")
    assert book.code(10203) == Code("12345", "platform", "10203")


def test_several_codes_as_list_or_text_each_once() -> None:
    book = CodeBook(
        [SchemeSettings(scheme="pollution", codes={"水": "水", "大气": "大气"})], {"废气": "大气"}, "refuse"
    )
    for written in (["废气", "水", "大气", None, ""], "废气、水,大气", "废气 水|大气"):
        assert [one.code for one in book.codes(written)] == ["大气", "水"]
    with pytest.raises(Unfit) as refused:
        book.codes(["光", "水", "电"])
    assert [one.at for one in refused.value.faults] == ["[0]", "[2]"]
    assert "可用：水、大气" in refused.value.faults[0].message
    with pytest.raises(Unfit):
        book.codes(["水"] * 51)


def test_words_must_lead_to_a_code() -> None:
    with pytest.raises(ValueError, match="空气"):
        CodeBook([SchemeSettings(scheme="pollution", codes={"大气": "大气"})], {"废气": "空气"}, "refuse")


@pytest.mark.parametrize("table", ["no_such.csv", "../domain/x.csv", "hotline_12345/fields.yml"])
def test_a_table_that_is_not_shipped_is_refused(table: str) -> None:
    with pytest.raises(ValidationError, match="代码表"):
        SchemeSettings(scheme="x", table=table)
