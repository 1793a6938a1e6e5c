"""Every setting of `config.yml` with its meaning and default, read off the settings themselves: for `docs/` and `/admin`."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from intake_bot.settings import Settings


def settings(section: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Each setting's path, meaning and default, section by section."""
    for name, field in section.model_fields.items():
        written = f"{prefix}{field.alias or name}"
        inner = list(_sections(field.annotation))
        if not inner:
            yield written, field.description or "", _default(field)
        for many, one in inner:
            yield from settings(one, f"{written}.*." if many else f"{written}.")


def _sections(annotation: Any, *, many: bool = False) -> Iterator[tuple[bool, type[BaseModel]]]:
    """The sections that a field holds, and whether it holds several of each."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield many, annotation
        return
    origin = get_origin(annotation)
    several = origin is not None and origin not in (Union, UnionType)
    for one in get_args(annotation):
        yield from _sections(one, many=many or several)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "（必填）"
    value = field.default if field.default is not PydanticUndefined else None
    if value in (None, "", (), {}) or field.default_factory is not None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "、".join(f"`{one}`" for one in value) if all(isinstance(one, str) for one in value) else ""
    return f"`{value}`"
