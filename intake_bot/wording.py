"""Pydantic's findings about a value, said in Chinese: what is wrong and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SENTENCES: dict[str, str] = {
    "missing": "必须填写",
    "extra_forbidden": "不认识的字段",
    "string_type": "应为文字",
    "string_too_short": "太短，至少 {min_length} 个字",
    "string_too_long": "太长，至多 {max_length} 个字",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "enum": "应为 {expected} 之一",
    "literal_error": "应为 {expected} 之一",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "dict_type": "应为“键: 值”的对象",
    "mapping_type": "应为“键: 值”的对象",
    "dataclass_type": "应为 JSON 对象",
    "model_type": "应为“键: 值”的对象",
    "model_attributes_type": "应为“键: 值”的对象",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "至多 {max_length} 项",
    "date_type": "应为日期，例如 2026-10-01",
    "date_parsing": "应为日期，例如 2026-10-01",
    "date_from_datetime_parsing": "应为日期，例如 2026-10-01",
    "datetime_type": "应为时间，例如 2026-11-24T09:00:00+08:00",
    "datetime_parsing": "应为时间，例如 2026-11-24T09:00:00+08:00",
    "datetime_from_date_parsing": "应为时间，例如 2026-11-24T09:00:00+08:00",
    "time_type": "应为时刻，例如 08:30",
    "time_parsing": "应为时刻，例如 08:30",
    "none_required": "应为空",
}


def in_chinese(error: Mapping[str, Any]) -> str:
    """One entry of `ValidationError.errors()` as a sentence, with the value that was found where it is short.

    A `ValueError` raised by our own validators is already a Chinese sentence and is passed on as it is.
    """
    kind = str(error["type"])
    if kind == "value_error":
        return str(error.get("ctx", {}).get("error", error["msg"]))
    sentence = _SENTENCES.get(kind)
    said = sentence.format(**error.get("ctx", {})) if sentence else f"不符合要求({error['msg']})"
    found = error.get("input")
    if kind not in {"missing", "extra_forbidden"} and isinstance(found, str | int | float | bool):
        said += f"，现在是“{str(found)[:40]}”"
    return said.replace(" or ", " 或 ")
