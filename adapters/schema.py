"""JSON schemas out of field maps, so that what `/api/openapi.json` says of a channel follows its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.canonical import FIELDS, FieldName, Shape
from adapters.settings import FieldSettings
from adapters.values import FLAG_WORDS, KIND_WORDS, MOST_ATTACHMENTS, URGENCY_WORDS

_TEXT_OR_NUMBER: dict[str, Any] = {"type": ["string", "number", "null"]}
_ONE_FILE: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "object", "required": ["url"], "properties": {"name": {"type": "string"}, "url": {"type": "string"}}},
    ]
}
_SHAPES: dict[Shape, dict[str, Any]] = {
    Shape.TEXT: {"type": ["string", "null"]},
    Shape.LINE: _TEXT_OR_NUMBER,
    Shape.NUMBER: _TEXT_OR_NUMBER,
    Shape.PHONE: _TEXT_OR_NUMBER,
    Shape.TIME: _TEXT_OR_NUMBER,
    Shape.DEADLINE: _TEXT_OR_NUMBER,
    Shape.KIND: _TEXT_OR_NUMBER,
    Shape.URGENCY: _TEXT_OR_NUMBER,
    Shape.FLAG: {"type": ["string", "integer", "boolean", "null"]},
    Shape.CODE: _TEXT_OR_NUMBER,
    Shape.CODES: {"type": ["array", "string", "null"], "items": {"type": "string"}},
    Shape.PAIR: {"type": ["string", "null"]},
    Shape.DEGREES: _TEXT_OR_NUMBER,
    Shape.FILES: {
        "anyOf": [{"type": ["string", "null"]}, {"type": "array", "maxItems": MOST_ATTACHMENTS, "items": _ONE_FILE}]
    },
}
_WORDS: dict[Shape, tuple[str, ...]] = {
    Shape.KIND: tuple(KIND_WORDS),
    Shape.URGENCY: tuple(URGENCY_WORDS),
    Shape.FLAG: tuple(FLAG_WORDS),
}


def schema_of(fields: Mapping[FieldName, FieldSettings], title: str) -> dict[str, Any]:
    """An object with every field of the map under the sender's name; other fields are allowed and kept as they are."""
    root: dict[str, Any] = {"type": "object", "title": title, "properties": {}}
    for name, field in fields.items():
        *outer, last = field.from_[0].split(".")
        place = root
        for part in outer:
            place = place["properties"].setdefault(part, {"type": ["object", "null"], "properties": {}})
        place["properties"][last] = _property(name, field)
        if field.required and not outer:
            root.setdefault("required", []).append(last)
    return root


def _property(name: FieldName, field: FieldSettings) -> dict[str, Any]:
    canonical = FIELDS[name]
    words = (*_WORDS.get(canonical.shape, ()), *field.values)
    told = canonical.label
    if words:
        told += f"：{'、'.join(words)}"
    if field.format:
        told += f"，格式：{'、'.join(field.format)}"
    described: dict[str, Any] = {**_SHAPES[canonical.shape], "description": told}
    if canonical.limit and canonical.shape is not Shape.PHONE:
        described["maxLength"] = canonical.limit
    if field.required and "type" in described:
        described["type"] = [one for one in described["type"] if one != "null"]
    return described
