"""Reading request bodies: JSON into the domain's types, with every bad field named; and the forms of pages."""

from __future__ import annotations

from typing import Any, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from adapters.problems import BODY
from intake_bot.api.problems import FieldError, bad_fields, unreadable
from intake_bot.wording import in_chinese

T = TypeVar("T")


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(wanted: type[Any]) -> TypeAdapter[Any]:
    """Compiled once for each body type; a field that it does not have is refused, not overlooked."""
    if wanted not in _adapters:
        strict = dataclass(wanted, config=ConfigDict(extra="forbid"), frozen=True)
        _adapters[wanted] = TypeAdapter(strict)
    return _adapters[wanted]


async def read_body(request: web.Request, wanted: type[T]) -> T:
    """The request's JSON object as `wanted` (a dataclass of `domain.actions` or alike); an empty body counts as `{}`.

    Raises `Problem`: 400 for what is not JSON in UTF-8, 422 naming each field that does not fit.
    """
    data = await request.read()
    try:
        found: T = _adapter(wanted).validate_json(data or b"{}")
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            raise unreadable("请求正文不是有效的 JSON（UTF-8 编码），请检查后重新提交") from None
        raise bad_fields(
            [FieldError(".".join(str(part) for part in one["loc"]) or BODY, in_chinese(one)) for one in error.errors()]
        ) from None
    _refuse_nul(found)
    return found


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a form that a page sent; a file is none. Raises `Problem` 400 for what cannot be read as a form."""
    try:
        form = await request.post()
    except (ValueError, LookupError, BadHttpMessage):  # parts, characters or an encoding that are none
        raise unreadable("提交的内容无法读取，请刷新页面后重新提交") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _refuse_nul(found: object) -> None:
    """A NUL character cannot be stored as text; better refused by name than by the database."""
    names = getattr(found, "__dataclass_fields__", {})
    bad = [name for name in names if isinstance(value := getattr(found, name), str) and "\x00" in value]
    if bad:
        raise bad_fields([FieldError(name, f"{name} 含有空字符（\\u0000），请删除") for name in bad])


def schema_of(wanted: type[Any]) -> dict[str, Any]:
    """The JSON schema of a body type, for OpenAPI, with what it refers to written out in place."""
    schema = _adapter(wanted).json_schema()
    written: dict[str, Any] = _written_out(schema, schema.pop("$defs", {}))
    return written


def _written_out(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_written_out(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _written_out(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _written_out(one, definitions) for name, one in schema.items()}
