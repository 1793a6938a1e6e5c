"""Class codes of the platforms, each kept with the scheme and the version it belongs to."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters.problems import Fault, Unfit, quoted, unfit
from adapters.values import half_width, number_reader, split_words
from domain.complaint import Code

_MOST_NAMED = 20  # a message lists the allowed words of a scheme up to so many


class SchemeSettings(BaseModel):
    """A scheme of class codes. With neither `table` nor `codes` every code is taken as it comes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str = Field(description="编码方案的名称，如 gbt47678.5", min_length=1)
    version: str = Field(default="", description="编码方案的版本，如 2026")
    table: str = Field(default="", description="随程序发布的代码表，如 hotline_12319/items.csv")
    codes: dict[str, str] = Field(default_factory=dict, description="代码表以外的代码及名称，如本市扩展类")
    region_digits: int = Field(default=0, description="代码前可另加的行政区划位数，如 6", ge=0, le=12)
    hint: str = Field(default="", description="代码有误时告诉对方怎样写才对")

    @field_validator("table")
    @classmethod
    def _exists(cls, table: str) -> str:
        if table and not (table.endswith(".csv") and ".." not in table and files("adapters").joinpath(table).is_file()):
            raise ValueError(f"没有随程序发布的代码表“{table}”")
        return table

    def names(self) -> Mapping[str, str]:
        """Code → name; empty when the scheme lists none."""
        listed = _tables(self.table).get((self.scheme, self.version), {}) if self.table else {}
        return {**listed, **self.codes}


@cache
def _tables(table: str) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    text = files("adapters").joinpath(table).read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        found.setdefault((row["scheme"], row["version"]), {})[row["code"]] = row["name"]
    return found


class CodeBook:
    """The schemes that one field's codes may come from, tried in order."""

    def __init__(
        self,
        schemes: Sequence[SchemeSettings],
        words: Mapping[str, str],
        unknown: Literal["refuse", "keep"],
        *,
        from_sheet: bool = False,
    ) -> None:
        """`words`: other words for codes, e.g. 噪音 for 噪声. `from_sheet`: codes may have lost the zeros they began with.

        Raises `ValueError` when the words name no code.
        """
        self._schemes = [(one, one.names()) for one in schemes]
        self._words = {half_width(word): code for word, code in words.items()}
        self._keep = unknown == "keep"
        self._from_sheet = from_sheet
        self._number = number_reader(64)
        listed = [code for _, names in self._schemes for code in names]
        self._expected = "；".join(one.hint for one, _ in self._schemes if one.hint)
        if not self._expected and len(listed) <= _MOST_NAMED:
            self._expected = "可用：" + "、".join(listed)
        missing = [code for code in self._words.values() if listed and code not in listed]
        if missing:
            raise ValueError(f"取值对照指向代码表中没有的代码：{'、'.join(missing)}")

    def code(self, value: object) -> Code:
        """The code as written by the sender; raises `Unfit` for one that no scheme has."""
        text = self._number(value)
        text = self._words.get(text, text)
        for scheme, names in self._schemes:
            if not names:
                return Code(scheme.scheme, scheme.version, text)
            own = text
            if self._from_sheet and own not in names and own.isdigit():
                own = next((filled for size in (4, 5) if (filled := own.zfill(size)) in names), own)
            if own not in names and len(own) > scheme.region_digits and own[: scheme.region_digits].isdigit():
                own = own[scheme.region_digits :]
            if own in names:
                return Code(scheme.scheme, scheme.version, own, names[own])
        if self._keep:
            first, _ = self._schemes[0]
            return Code(first.scheme, first.version, text)
        raise unfit(f"{quoted(value)}不在代码表中，{self._expected or '请核对'}", "value")

    def named(self, name: str) -> Code | None:
        """The code of a name, where a sender gives only that."""
        for scheme, names in self._schemes:
            for code, known in names.items():
                if known == name:
                    return Code(scheme.scheme, scheme.version, code, known)
        return None

    def codes(self, value: object) -> tuple[Code, ...]:
        """Several codes, as a list or in one text; every unknown one is named in `Unfit`."""
        found: list[Code] = []
        faults: list[Fault] = []
        for index, one in enumerate(split_words(value)):
            if one is None or one == "":
                continue
            try:
                found.append(self.code(one))
            except Unfit as error:
                faults += [Fault(f"第 {index + 1} 项{each.message}", each.code, f"[{index}]") for each in error.faults]
        if faults:
            raise Unfit(*faults)
        return tuple(dict.fromkeys(found))
