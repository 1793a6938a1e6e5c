"""The JSON schemas that OpenAPI shows of the channels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from platforms import CODES, LEAST, channel, settings

from adapters.settings import adapter_map

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


def property_at(schema: dict[str, Any], name: str) -> dict[str, Any]:
    for part in name.split("."):
        schema = schema["properties"][part]
    return schema


@pytest.mark.parametrize("code", CODES)
def test_the_schema_is_one_and_names_every_field_in_chinese(code: str) -> None:
    schema = channel(code).schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) == set(LEAST[code])
    for field in adapter_map(settings(code).adapter)["fields"].values():
        described = property_at(schema, field if isinstance(field, str) else field["from"])
        assert any("\u4e00" <= sign <= "\u9fff" for sign in described["description"])


@pytest.mark.parametrize("code", CODES)
def test_the_schema_takes_the_samples_and_refuses_what_lacks_a_field(code: str) -> None:
    validator = Draft202012Validator(channel(code).schema())
    sample = json.loads((SAMPLES / f"{code}.json").read_text(encoding="utf-8"))
    assert list(validator.iter_errors(sample)) == []
    assert validator.is_valid(LEAST[code] | {"unheardOf": 1})
    for name in LEAST[code]:
        assert not validator.is_valid({key: value for key, value in sample.items() if key != name})
        assert not validator.is_valid(sample | {name: None})


def test_the_schema_follows_the_map() -> None:
    fields = {"source_no": "工单号", "title": None, "address": {"from": "place.name", "required": True}}
    schema = channel("12345", fields=fields).schema()
    assert "工单号" in schema["required"]
    assert "title" not in schema["properties"]
    assert "orderNum" not in schema["properties"]
    assert "name" in schema["properties"]["place"]["properties"]


def test_words_and_formats_are_told() -> None:
    schema = channel("12345", fields={"kind": {"values": {"诉求": "complaint"}}}).schema()
    assert "诉求" in schema["properties"]["callerType"]["description"]
    assert "%Y%m%d%H%M%S" in channel("12319").schema()["properties"]["SBSJ"]["description"]
