"""Reads the category tree from its file and refuses a mistaken one. It decides nothing about texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from domain.category import Category, CategoryTree, Department
from domain.complaint import Urgency

TREE_FILE = Path(__file__).with_name("categories.yml")

_UNITS = frozenset({"brigade-1", "brigade-2", "brigade-3", "supervision-group"})
_TIME_CLASSES = frozenset(
    {
        "order", "cleanup", "noise", "pollution", "illegal-construction", "site", "facility", "danger", "safety", "market",
        "labour", "property", "conduct", "consult", "outside",
    }
)  # fmt: skip
_LEAF_FIELDS = frozenset({"code", "name", "unit", "department", "urgency", "time_class", "aliases", "codes"})
_SCHEMES = frozenset({"gbt47678.5", "gbt30428.2", "pollution", "pollution_detail", "12345"})
_EXACT_SCHEMES = frozenset({"gbt47678.5", "gbt30428.2"})  # an item of these is one matter and has one leaf

# All scalars stay text, so that codes such as 01037 keep their leading zero. The C loader where PyYAML has it.
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def load_categories(path: Path | None = None) -> CategoryTree:
    """The tree of `path`, or the shipped one. Raises `ValueError`, in Chinese, naming the leaf that is mistaken."""
    path = path or TREE_FILE
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 (builds text, lists and mappings only)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"事项分类表 {path.name} 不是有效的 YAML：{error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("branches"), list):
        raise ValueError(f"事项分类表 {path.name} 中没有 branches 列表")
    departments = _departments(found.get("departments") or {})
    leaves: list[Category] = []
    for branch, group, entry in _entries(found["branches"]):
        leaves.append(_leaf(branch, group, entry, departments))
    _refuse_doubles(leaves)
    return CategoryTree(leaves)


def _departments(table: Any) -> dict[str, Department]:
    if not isinstance(table, dict):
        raise ValueError("departments 应为“代号: {name: 名称, phone: 电话}”的对照表")
    found = {}
    for code, entry in table.items():
        if not isinstance(entry, dict) or not entry.get("name"):
            raise ValueError(f"外部门 {code} 没有名称")
        found[code] = Department(code, entry["name"], entry.get("phone", ""))
    return found


def _entries(branches: list[Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for branch in branches:
        if not isinstance(branch, dict) or not branch.get("name") or not isinstance(branch.get("groups"), list):
            raise ValueError("一级分类应有 name 和 groups")
        for group in branch["groups"]:
            if not isinstance(group, dict) or not group.get("name") or not isinstance(group.get("leaves"), list):
                raise ValueError(f"“{branch['name']}”下的二级分类应有 name 和 leaves")
            for entry in group["leaves"]:
                if not isinstance(entry, dict) or not entry.get("code"):
                    raise ValueError(f"“{group['name']}”下有一个事项没有代码（code）")
                yield branch["name"], group["name"], entry


def _leaf(branch: str, group: str, entry: Mapping[str, Any], departments: Mapping[str, Department]) -> Category:
    code = entry["code"]
    who = f"事项 {code}“{entry.get('name', '')}”"
    unknown = sorted(set(entry) - _LEAF_FIELDS)
    if unknown:
        raise ValueError(f"{who}有不认识的字段：{'、'.join(unknown)}")
    if not entry.get("name"):
        raise ValueError(f"{who}没有名称（name）")
    if len(code) != 5 or code[0] not in "CEJSX" or not (code[1:].isascii() and code[1:].isdigit()):
        raise ValueError(f"{who}的代码应为 C、E、J、S、X 之一加四位数字")
    unit, department = entry.get("unit"), entry.get("department")
    if unit and department:
        raise ValueError(f"{who}同时填了 unit 和 department，只能填一个")
    if not unit and not department:
        raise ValueError(f"{who}没有填 unit 或 department，必须填一个")
    if unit and unit not in _UNITS:
        raise ValueError(f"{who}的承办单位“{unit}”不认识，可用：{'、'.join(sorted(_UNITS))}")
    if department and department not in departments:
        raise ValueError(f"{who}的外部门“{department}”不在 departments 中")
    urgency = entry.get("urgency", Urgency.NORMAL)
    if urgency not in list(Urgency):
        raise ValueError(f"{who}的紧急程度“{urgency}”不认识，可用：{'、'.join(Urgency)}")
    if entry.get("time_class") not in _TIME_CLASSES:
        raise ValueError(
            f"{who}的时限类别“{entry.get('time_class', '')}”不认识，可用：{'、'.join(sorted(_TIME_CLASSES))}"
        )
    return Category(
        code=code,
        name=entry["name"],
        group=group,
        branch=branch,
        unit=unit,
        department=departments[department] if department else None,
        urgency=Urgency(urgency),
        time_class=entry["time_class"],
        aliases=_words(who, "aliases", entry.get("aliases", [])),
        codes=tuple(_codes(who, entry.get("codes", {}))),
    )


def _words(who: str, field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise ValueError(f"{who}的 {field} 应为词语的列表")
    if len(set(value)) != len(value):
        raise ValueError(f"{who}的 {field} 有重复")
    return tuple(value)


def _codes(who: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        raise ValueError(f"{who}的 codes 应为“方案: [代码, …]”的对照表")
    for scheme, codes in value.items():
        if scheme not in _SCHEMES:
            raise ValueError(f"{who}的编码方案“{scheme}”不认识，可用：{'、'.join(sorted(_SCHEMES))}")
        for code in _words(who, f"codes 中 {scheme} ", codes):
            yield f"{scheme}:{code}"


def _refuse_doubles(leaves: list[Category]) -> None:
    """Codes of ours, names for people and items of the exact schemes belong to one leaf each."""
    by_code: dict[str, Category] = {}
    by_word: dict[str, Category] = {}
    by_item: dict[str, Category] = {}
    for leaf in leaves:
        if leaf.code in by_code:
            raise ValueError(f"代码 {leaf.code} 重复：“{by_code[leaf.code].name}”和“{leaf.name}”")
        by_code[leaf.code] = leaf
        for word in dict.fromkeys((leaf.name, *leaf.aliases)):
            other = by_word.setdefault(word, leaf)
            if other is not leaf:
                raise ValueError(f"叫法“{word}”既归 {other.code}“{other.name}”又归 {leaf.code}“{leaf.name}”")
        for item in leaf.codes:
            if item.split(":", 1)[0] in _EXACT_SCHEMES:
                other = by_item.setdefault(item, leaf)
                if other is not leaf:
                    raise ValueError(f"代码 {item} 既归 {other.code}“{other.name}”又归 {leaf.code}“{leaf.name}”")
