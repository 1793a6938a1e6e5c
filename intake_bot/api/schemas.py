"""JSON schemas of answers that are written by hand, in few words. Those of dataclasses are made by `bodies.schema_of`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
YES: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}


def record(optional: Sequence[str] = (), /, **properties: Mapping[str, Any]) -> Schema:
    """An object with these members; all but the `optional` ones are always there."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def list_of(items: Mapping[str, Any]) -> Schema:
    return {"type": "array", "items": dict(items)}


def or_null(schema: Mapping[str, Any]) -> Schema:
    """What the schema describes, or nothing."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [dict(schema), {"type": "null"}]}


def one_of(choices: Iterable[str]) -> Schema:
    """One of some words, such as an enumeration's."""
    return {"type": "string", "enum": [str(one) for one in choices]}


def text(description: str) -> Schema:
    """A text that is explained."""
    return {**TEXT, "description": description}
